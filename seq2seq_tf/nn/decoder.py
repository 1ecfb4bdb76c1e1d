"""The attention decoder: one recurrence, `_advance`, for training, scoring and every search.

`step` = embed, advance, deep output. `teacher_force` = embed all, loop of advance, deep output of all steps at once.
So the recurrence is written once; the loop of `kernels.fused_decoder` duplicates it for speed and is tested against
it. The projection to the vocabulary belongs to the model (`nn.output`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.config.common import DecoderConfig
from seq2seq_tf.nn.attention import make_attention
from seq2seq_tf.nn.bridge import from_final, from_mean, joined_finals, mean_of_values
from seq2seq_tf.nn.cells import Cell, NamedCells, Weights
from seq2seq_tf.nn.decoder_layer import DecoderLayer
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.kernels.fused_decoder import attention_lstm_unroll
from seq2seq_tf.nn.layer import register
from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.nn.recurrent import make_cell
from seq2seq_tf.structures import DecoderState, EncoderOutput, Memory, TeacherForced


class StepWeights(NamedTuple):
    """All weights of a decoder step, read and cast once before a loop."""

    cells: tuple[Weights, ...]
    inputs: tuple[tf.Tensor, ...]  # input kernel of each cell
    attention: tuple[tf.Tensor, ...]  # from `Attention.weights_for_steps`
    output: tf.Tensor  # [H+D+E, output_units]
    folded: tuple[tf.Tensor, ...]  # ([V, G*H],) or (): every piece's share of the lowest cell's gates


@register
class AttentionDecoder(DecoderLayer):
    """A stack of cells with attention and input feeding (Bahdanau 2015; Luong 2015, section 3.3).

    The lowest cell reads the embedded piece and the last attention context; the top cell's output is the query for
    the next context; a deep output layer (Pascanu 2014) mixes output, context and embedding. With
    `attention: none` the context is one vector for the whole source, the same at each step (Cho 2014).

    Args:
      config: sizes and dropouts.
      embedding: the target table; it may be shared with other layers.
      kwargs: name and dtype policy of the layer.
    """

    options = DecoderConfig
    config: DecoderConfig

    def __init__(self, config: DecoderConfig, embedding: Embedding, **kwargs: Any) -> None:
        super().__init__(config, embedding, **kwargs)
        self.cells: tuple[Cell, ...] = tuple(
            make_cell(config, config.decoder_units, dtype=self.dtype_policy, name=f"cell_{n}")
            for n in range(config.decoder_layers)
        )
        self.attention = make_attention(config, dtype=self.dtype_policy, name="attention")
        self._layer_dropouts = tuple(
            Dropout(config.layer_dropout, f"decoder/layer_{n}") for n in range(config.decoder_layers)
        )

    def build(self, target_in_shape: Any, encoded_shape: Any) -> None:
        """Creates the variables, including the table's unless it is already built.

        Args:
          target_in_shape: ignored.
          encoded_shape: shape of the encoder's values [B, S, D], or of a whole `EncoderOutput`.
        """
        values_shape = encoded_shape[0] if isinstance(encoded_shape[0], list | tuple) else encoded_shape
        self.value_units = values_shape[-1]
        if not self.embedding.built:
            self.embedding.build()
        units, config = self.config.decoder_units, self.config
        below = self.embedding.units
        for n, cell in enumerate(self.cells):
            cell.build(below, self.value_units if n == 0 else 0)
            below = units
        self.attention.build((None, units), (None, None, self.value_units))
        if config.bridge != "zero":
            self.bridge_kernel = self.add_weight(
                shape=(self.value_units, units * self.cells[0].states * len(self.cells)),
                initializer="glorot_uniform",
                name="bridge_kernel",
            )
            self.bridge_bias = self.add_weight(
                shape=(self.bridge_kernel.shape[1],), initializer="zeros", name="bridge_bias"
            )
        self.output_kernel = self.add_weight(
            shape=(units + self.value_units + self.embedding.units, config.output_units),
            initializer="glorot_uniform",
            name="output_kernel",
        )
        self.output_bias = self.add_weight(shape=(config.output_units,), initializer="zeros", name="output_bias")

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """Returns what the steps read from the source, computed once per sentence."""
        return self.attention.prepare(encoded)

    def initial_state(self, encoded: EncoderOutput) -> DecoderState:
        """Returns the state before the first piece, computed by the bridge that `model.bridge` names.

        Raises:
          ValueError: bridge=final, and the encoder has no final state.
        """
        if self.config.bridge == "zero":
            rows = tf.shape(encoded.mask)[0]
            zeros = tuple(cell.zero_state(rows) for cell in self.cells)
            return DecoderState(zeros, tf.zeros([rows, self.value_units]))
        kernel, bias = cast(self.bridge_kernel, self.compute_dtype), tf.convert_to_tensor(self.bridge_bias)
        layers, states = len(self.cells), self.cells[0].states
        if self.config.bridge == "final":
            final = joined_finals(encoded)
            summary, cells = final[-1][0], from_final(final, kernel, bias, layers)
        else:
            summary = mean_of_values(encoded)
            cells = from_mean(summary, kernel, bias, layers, states)
        return DecoderState(cells, self.attention.first_context(summary))

    def weights_for_steps(self, *, fold: bool = False) -> StepWeights:
        """Returns the weights that `step` takes.

        With `fold`, the input projection is computed for the whole vocabulary, so that a step only looks it up. This
        pays off for weights that stay the same, not for those of a single update.
        """
        return StepWeights(
            cells=tuple(cell.weights_for_steps() for cell in self.cells),
            inputs=tuple(cell.input_kernel() for cell in self.cells),
            attention=self.attention.weights_for_steps(),
            output=cast(self.output_kernel, self.compute_dtype),
            folded=(self.cells[0].project(tf.convert_to_tensor(self.embedding.table)),) if fold else (),
        )

    def _advance(
        self,
        weights: StepWeights,
        projected: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        dropout_seed: tf.Tensor | None,
    ) -> tuple[DecoderState, tf.Tensor, tf.Tensor]:
        """Returns the next state, the top output [N, H] and the attention weights [N, S] of one step.

        projected: [N, G*H], the embedded piece's share of the lowest cell's gates.
        """
        cells = []
        h = projected
        for n, cell in enumerate(self.cells):
            if n:
                below = self._layer_dropouts[n](h, dropout_seed)
                new = cell.step(
                    weights.cells[n], cell.project(below, weights.inputs[n]), state.context[:, :0], state.cells[n]
                )
                h = h + new[0] if self.config.residual else new[0]
            else:
                new = cell.step(weights.cells[0], projected, state.context, state.cells[0])
                h = new[0]
            cells.append(new)
        context, attention_weights = self.attention.attend(weights.attention, h, memory, state.context)
        return DecoderState(tuple(cells), context), h, attention_weights

    def _readout(self, kernel: tf.Tensor, h: tf.Tensor, context: tf.Tensor, embedded: tf.Tensor) -> tf.Tensor:
        """Returns the deep output tanh(W [h; context; embedded] + b) [..., output_units]."""
        return tf.tanh(product(tf.concat([h, context, embedded], -1), kernel) + self.output_bias)

    def step(
        self, weights: StepWeights, tokens: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[tf.Tensor, DecoderState]:
        """Runs one step of a search: tokens [N] int32 -> output before the vocabulary [N, output_units], next state."""
        embedded = self.embedding.embed(tokens)  # [N, E]
        if weights.folded:
            projected = tf.gather(weights.folded[0], tokens)  # [N, G*H]
        else:
            projected = self.cells[0].project(embedded, weights.inputs[0])
        state, h, _ = self._advance(weights, projected, state, memory, None)
        return self._readout(weights.output, h, state.context, embedded), state

    def teacher_force(
        self, target_in: tf.Tensor, state: DecoderState, memory: Memory, *, dropout_seed: tf.Tensor | None
    ) -> TeacherForced:
        """Runs the decoder over known pieces target_in [B, T] int32 (starts with BOS)."""
        embedded = self._input_dropout(self.embedding.embed(target_in), dropout_seed)  # [B, T, E]
        weights = self.weights_for_steps()
        projected = self.cells[0].project(tf.transpose(embedded, [1, 0, 2]), weights.inputs[0])  # [T, B, G*H]
        if self._can_fuse():
            hs, contexts, attention_weights = attention_lstm_unroll(projected, state, memory, weights)
        else:
            hs, contexts, attention_weights = self._plain_unroll(weights, projected, state, memory, dropout_seed)
        hs, contexts, attention_weights = (tf.transpose(x, [1, 0, 2]) for x in (hs, contexts, attention_weights))
        hidden = self._readout(weights.output, hs, contexts, embedded)  # [B, T, output_units]
        return TeacherForced(self._output_dropout(hidden, dropout_seed), attention_weights)

    def named_cells(self) -> NamedCells:
        """Returns its recurrent cells, from the input up."""
        return tuple((f"decoder/layer_{n}", cell, False) for n, cell in enumerate(self.cells))

    def _can_fuse(self) -> bool:
        one_lstm = self.config.cell == "lstm" and len(self.cells) == 1 and not self.config.layer_norm
        return self.config.fused and one_lstm and self.attention.can_fuse

    def _plain_unroll(
        self,
        weights: StepWeights,
        projected: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        dropout_seed: tf.Tensor | None,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns outputs [T, B, H], contexts [T, B, D] and attention weights [T, B, S], time first."""
        steps = tf.shape(projected)[0]
        widths = (self.config.decoder_units, self.value_units, None)
        arrays = tuple(tf.TensorArray(tf.float32, size=steps, element_shape=[None, w]) for w in widths)

        def body(
            t: tf.Tensor, state: DecoderState, arrays: tuple[tf.TensorArray, ...]
        ) -> tuple[tf.Tensor, DecoderState, tuple[tf.TensorArray, ...]]:
            state, h, attention_weights = self._advance(weights, projected[t], state, memory, dropout_seed)
            written = zip(arrays, (h, state.context, attention_weights), strict=True)
            return t + 1, state, tuple(array.write(t, x) for array, x in written)

        start = (tf.constant(0), state, arrays)
        # XLA cannot differentiate a loop of unknown length.
        _, _, arrays = tf.while_loop(lambda t, *_: t < steps, body, start, maximum_iterations=steps)
        hs, contexts, attention_weights = (array.stack() for array in arrays)
        return hs, contexts, attention_weights
