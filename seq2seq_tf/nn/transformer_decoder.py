"""The Transformer decoder, with the interface of `nn.decoder.AttentionDecoder`; its state is a key/value cache.

`step` and `teacher_force` run the same stack: over one piece after those in the cache, or over all pieces at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.config.transformer import TransformerDecoderConfig
from seq2seq_tf.nn.cells import NamedCells
from seq2seq_tf.nn.decoder_layer import DecoderLayer
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.layer import register
from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.nn.transformer import StackWeights, TransformerStack
from seq2seq_tf.structures import EncoderOutput, TeacherForced, TransformerMemory, TransformerState


class TransformerStepWeights(NamedTuple):
    """All weights of a decoder step, read and cast once before a loop."""

    stack: StackWeights
    output: tuple[tf.Tensor, ...]  # kernel [U, output_units] and bias, or ()


@register
class TransformerDecoder(DecoderLayer):
    """Embedding and Transformer blocks that read the earlier target pieces and the source (Vaswani 2017).

    Args:
      config: sizes and dropouts; decoder_units is the size of the blocks.
      embedding: the target table; it may be shared with other layers.
      kwargs: name and dtype policy of the layer.
    """

    options = TransformerDecoderConfig
    config: TransformerDecoderConfig

    def __init__(self, config: TransformerDecoderConfig, embedding: Embedding, **kwargs: Any) -> None:
        super().__init__(config, embedding, **kwargs)
        self.stack = TransformerStack(
            config, config.decoder_units, config.decoder_layers, True, dtype=self.dtype_policy, name="decoder_stack"
        )

    def build(self, target_in_shape: Any, encoded_shape: Any) -> None:
        """Creates the variables, including the table's unless it is already built.

        Args:
          target_in_shape: ignored.
          encoded_shape: shape of the encoder's values [B, S, D], or of a whole `EncoderOutput`.
        """
        values_shape = encoded_shape[0] if isinstance(encoded_shape[0], list | tuple) else encoded_shape
        if not self.embedding.built:
            self.embedding.build()
        self.stack.build((None, None, self.embedding.units), values_shape[-1])
        units, output_units = self.config.decoder_units, self.config.output_units
        if units != output_units:
            self.output_kernel = self.add_weight(
                shape=(units, output_units), initializer="glorot_uniform", name="output_kernel"
            )
            self.output_bias = self.add_weight(shape=(output_units,), initializer="zeros", name="output_bias")

    def prepare(self, encoded: EncoderOutput) -> TransformerMemory:
        """Returns what the steps read from the source: each layer's keys and values, computed once per sentence."""
        layers = []
        for block in self.stack.blocks:
            assert block.source is not None
            layers.append(block.source.keys_and_values(block.source.weights_for_steps(), encoded.values))
        return TransformerMemory(tuple(layers), encoded.mask)

    def initial_state(self, encoded: EncoderOutput) -> TransformerState:
        """Returns the state before the first piece: an empty cache."""
        return TransformerState(self.stack.empty_cache(tf.shape(encoded.mask)[0]))

    def weights_for_steps(self, *, fold: bool = False) -> TransformerStepWeights:
        """Returns the weights that `step` takes; `fold` has no effect, as no table would save a product."""
        del fold
        output: tuple[tf.Tensor, ...] = ()
        if self.config.decoder_units != self.config.output_units:
            output = cast(self.output_kernel, self.compute_dtype), tf.convert_to_tensor(self.output_bias)
        return TransformerStepWeights(self.stack.weights_for_steps(), output)

    def step(
        self, weights: TransformerStepWeights, tokens: tf.Tensor, state: TransformerState, memory: TransformerMemory
    ) -> tuple[tf.Tensor, TransformerState]:
        """Runs one step of a search: tokens [N] int32 -> output before the vocabulary [N, output_units], next state."""
        embedded = self.embedding.embed(tokens)[:, tf.newaxis]  # [N, 1, E]
        ran = self.stack.run(weights.stack, embedded, None, state.layers, memory)
        return self._readout(weights, ran.hidden[:, 0]), TransformerState(ran.cache)

    def teacher_force(
        self,
        target_in: tf.Tensor,
        state: TransformerState,
        memory: TransformerMemory,
        *,
        dropout_seed: tf.Tensor | None,
    ) -> TeacherForced:
        """Runs the decoder over known pieces target_in [B, T] int32 (starts with BOS), all at once.

        The attention weights are the mean over the heads of the last layer.
        """
        weights = self.weights_for_steps()
        embedded = self._input_dropout(self.embedding.embed(target_in), dropout_seed)  # [B, T, E]
        ran = self.stack.run(weights.stack, embedded, None, state.layers, memory, dropout_seed)
        hidden = self._readout(weights, ran.hidden)  # [B, T, output_units]
        assert ran.attention_weights is not None
        return TeacherForced(self._output_dropout(hidden, dropout_seed), tf.reduce_mean(ran.attention_weights, 1))

    def _readout(self, weights: TransformerStepWeights, hidden: tf.Tensor) -> tf.Tensor:
        """Returns hidden [..., U], projected to [..., output_units] if that is another size."""
        if not weights.output:
            return hidden
        kernel, bias = weights.output
        return product(hidden, kernel) + bias

    def named_cells(self) -> NamedCells:
        """Returns (): there are no recurrent cells."""
        return ()
