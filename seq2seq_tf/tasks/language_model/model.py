"""The language model: embedding, recurrent layers and output projection predict each next token of a stream."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.cells import Cell, State, Weights
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding, EmbeddingDropouts
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.output import OutputProjection, log_probabilities
from seq2seq_tf.nn.products import cast, dtype_policy, product
from seq2seq_tf.nn.recurrent import RecurrentStack
from seq2seq_tf.structures import PAD_ID, CellStates, LossSum, StepFn
from seq2seq_tf.tasks.language_model.config import LanguageModelModelConfig


class LayerStates(NamedTuple):
    """States and gates of one layer over time."""

    states: State  # (h,) or (h, c), each [B, T, H]
    gates: tf.Tensor  # [B, T, G, H] between 0 and 1: LSTM i, f, o; GRU z, r; none for an RNN


class LanguageModel(Float32Layer):
    """Predicts the next token from all previous ones (Mikolov 2010; Sutskever 2011; Karpathy 2016).

    The carry is the state of every layer after a chunk. The next chunk starts from it, but no gradient flows through
    it: truncated back-propagation through time (Werbos 1990).

    Args:
      config: sizes and regularisation.
      vocab_size: number of tokens.
      precision: of the matrix products, one of `nn.products.DTYPES`.
      smoothing: label smoothing, the share of probability spread over all tokens.
    """

    def __init__(
        self,
        config: LanguageModelModelConfig,
        vocab_size: int,
        *,
        precision: str,
        smoothing: float = 0.0,
        name: str = "language_model",
    ) -> None:
        super().__init__(name=name, dtype=dtype_policy(precision))
        policy = self.dtype_policy
        self.config = config
        self.cross_entropy = CrossEntropy(smoothing, config.fused)
        self.vocab_size = vocab_size
        self.embedding = Embedding(
            vocab_size, config.embedding_units, config.embedding_scale, name="embedding", dtype=policy
        )
        self.stack = RecurrentStack(
            config, units=config.units, layers=config.layers, bidirectional=False, dtype=policy, name="stack"
        )
        self._input_dropout = EmbeddingDropouts(config, "language_model")
        shared = (1,) if config.variational else ()
        self._output_dropout = Dropout(config.output_dropout, "language_model/output", shared_axes=shared)

    def build(self) -> None:
        """Creates all variables."""
        config = self.config
        self.embedding.build()
        self.stack.build((None, None, config.embedding_units))
        width = config.units
        if config.output_units:
            self.output_kernel = self.add_weight(
                shape=(width, config.output_units), initializer="glorot_uniform", name="output_kernel"
            )
            self.output_bias = self.add_weight(shape=(config.output_units,), initializer="zeros", name="output_bias")
            width = config.output_units
        if not config.tie:
            self.output_table = self.add_weight(
                shape=(self.vocab_size, width), initializer="glorot_uniform", name="output_table"
            )
        self.vocabulary_bias = self.add_weight(shape=(self.vocab_size,), initializer="zeros", name="vocabulary_bias")

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cell of each layer."""
        return tuple(layer[0] for layer in self.stack.cells)

    def _output_projection(self, dtype: str) -> OutputProjection:
        """Returns the output projection; training multiplies at its own precision, scoring and sampling in float32."""
        table = self.embedding.table if self.config.tie else self.output_table
        return OutputProjection(cast(table, dtype), tf.convert_to_tensor(self.vocabulary_bias))

    def _readout(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the input of the output projection. [..., H] -> [..., D]."""
        if not self.config.output_units:
            return outputs
        return tf.tanh(product(outputs, cast(self.output_kernel, self.compute_dtype)) + self.output_bias)

    def initial_carry(self, batch_size: tf.Tensor) -> CellStates:
        """Returns the state at the beginning of a text: zeros [B, H] for each tensor of each layer."""
        return self.stack.zero_state(batch_size)

    def read(
        self, ids: tf.Tensor, carry: CellStates, *, dropout_seed: tf.Tensor | None
    ) -> tuple[tf.Tensor, CellStates]:
        """Reads ids [B, T] int32, padded at the end if at all; a dropout_seed of None means no dropout.

        Returns:
          the input of the output projection [B, T, D], and the state after the last real token of each row.
        """
        embedded = self._input_dropout(self.embedding.embed(ids), dropout_seed)  # [B, T, E]
        unrolled = self.stack.unroll(embedded, tf.not_equal(ids, PAD_ID), carry, dropout_seed=dropout_seed)
        return self._output_dropout(self._readout(unrolled.outputs), dropout_seed), unrolled.final

    def batch_loss(
        self, batch: tf.Tensor, carry: CellStates, *, dropout_seed: tf.Tensor | None
    ) -> tuple[LossSum, CellStates]:
        """Returns the loss summed over a chunk of streams and the state for the next chunk.

        Args:
          batch: [B, L + 1] int32 without padding; the first L tokens are read, the last L are predicted.
          carry: state after the previous chunk.
          dropout_seed: None for no dropout.
        """
        hidden, final = self.read(batch[:, :-1], carry, dropout_seed=dropout_seed)
        # All tokens are real: there is no padding to filter out, and XLA can compile this.
        labels = tf.reshape(batch[:, 1:], [-1])  # [B * L]
        projection = self._output_projection(self.compute_dtype)
        loss = self.cross_entropy.summed(tf.reshape(hidden, [-1, hidden.shape[-1]]), *projection, labels)
        return loss, tf.nest.map_structure(tf.stop_gradient, final)

    def score(self, ids: tf.Tensor, carry: CellStates) -> tuple[tf.Tensor, CellStates]:
        """Returns -log p of each next token in nats [B, T], zero on padding, and the state after the last token read.

        Args:
          ids: [B, T + 1] int32, padded at the end if at all.
          carry: state before the first token.
        """
        hidden, final = self.read(ids[:, :-1], carry, dropout_seed=None)
        projection = self._output_projection("float32")
        return -log_probabilities(self.cross_entropy, hidden, ids[:, 1:], projection), final

    def logits(self, ids: tf.Tensor, carry: CellStates) -> tuple[tf.Tensor, CellStates]:
        """Returns the logits of the token after each of ids [B, T], [B, T, V] float32, and the final state."""
        hidden, final = self.read(ids, carry, dropout_seed=None)
        table, bias = self._output_projection("float32")
        return product(hidden, table, transpose_kernel=True) + bias, final

    def step_fn(self) -> StepFn:
        """Returns the sampling step: (tokens [N], state, ()) -> (logits [N, V] float32, state).

        Call this outside the sampling loop: it reads and casts the weights.
        """
        inputs, weights = [c.input_kernel() for c in self.cells], [c.weights_for_steps() for c in self.cells]
        table, bias = self._output_projection("float32")

        def step(tokens: tf.Tensor, state: CellStates, memory: Any) -> tuple[tf.Tensor, CellStates]:
            del memory  # the state contains all that was read
            x = self.embedding.embed(tokens)  # [N, E]
            new_states = []
            for n, cell in enumerate(self.cells):
                new = cell.step(weights[n], cell.project(x, inputs[n]), x[:, :0], state[n])
                x = x + new[0] if n and self.config.residual else new[0]  # [N, H]
                new_states.append(new)
            return product(self._readout(x), table, transpose_kernel=True) + bias, tuple(new_states)

        return step

    def states(self, ids: tf.Tensor, carry: CellStates) -> tuple[tuple[LayerStates, ...], CellStates]:
        """Returns every state and gate of every layer while reading ids [B, T], and the final state.

        Rows may be padded at the end; the values at padded positions are meaningless.
        """
        x = tf.transpose(self.embedding.embed(ids), [1, 0, 2])  # [T, B, E]
        mask = tf.transpose(tf.not_equal(ids, PAD_ID))[:, :, tf.newaxis]  # [T, B, 1]
        found, last = [], []
        for n, cell in enumerate(self.cells):
            projected, weights = cell.project(x), cell.weights_for_steps()  # [T, B, G*H]
            states, final = _all_states(cell, weights, projected, mask, carry[n])
            before = tf.concat([carry[n][0][tf.newaxis], states[0][:-1]], 0)  # [T, B, H]
            gates = cell.gate_values(weights, projected, x[..., :0], before)  # each [T, B, H]
            x = x + states[0] if n and self.config.residual else states[0]
            batch_first = tuple(tf.transpose(s, [1, 0, 2]) for s in states)
            stacked = tf.stack(gates, 2) if gates else states[0][:, :, tf.newaxis][:, :, :0]  # [T, B, G, H]
            found.append(LayerStates(batch_first, tf.transpose(stacked, [1, 0, 2, 3])))
            last.append(final)
        return tuple(found), tuple(last)


def _all_states(
    cell: Cell, weights: Weights, projected: tf.Tensor, mask: tf.Tensor, initial: State
) -> tuple[State, State]:
    """Runs a cell over time and returns all states [T, B, H] and the final one; padding leaves the state unchanged."""
    steps = tf.shape(projected)[0]
    no_context = tf.zeros([tf.shape(projected)[1], 0])

    def body(t: tf.Tensor, state: State, kept: tuple[tf.TensorArray, ...]) -> tuple[tf.Tensor, State, Any]:
        new = cell.step(weights, projected[t], no_context, state)
        state = tuple(tf.where(mask[t], n, old) for n, old in zip(new, state, strict=True))
        return t + 1, state, tuple(array.write(t, s) for array, s in zip(kept, state, strict=True))

    kept = tuple(tf.TensorArray(tf.float32, size=steps, element_shape=[None, cell.units]) for _ in initial)
    _, final, kept = tf.while_loop(lambda t, *_: t < steps, body, (tf.constant(0), initial, kept))
    return tuple(array.stack() for array in kept), final
