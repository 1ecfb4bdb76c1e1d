"""The Transformer encoder; see `nn.encoder.EncoderProtocol`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from seq2seq_tf.config.transformer import TransformerEncoderConfig
from seq2seq_tf.nn.cells import NamedCells
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import EncoderLayer
from seq2seq_tf.nn.layer import register
from seq2seq_tf.nn.transformer import TransformerStack
from seq2seq_tf.structures import PAD_ID, EncoderOutput


@register
class TransformerEncoder(EncoderLayer):
    """Embedding and Transformer blocks; each piece attends to all real pieces (Vaswani 2017).

    Args:
      config: sizes and dropouts; encoder_units is the size of the blocks.
      embedding: the source table; it may be shared with other layers.
      kwargs: name and dtype policy of the layer.
    """

    options = TransformerEncoderConfig
    config: TransformerEncoderConfig
    stack: TransformerStack

    def __init__(self, config: TransformerEncoderConfig, embedding: Embedding, **kwargs: Any) -> None:
        super().__init__(config, embedding, **kwargs)
        self.stack = TransformerStack(
            config, config.encoder_units, config.encoder_layers, False, dtype=self.dtype_policy, name="encoder_stack"
        )
        self.value_units = config.encoder_units

    def encode(self, source: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> EncoderOutput:
        """Encodes source [B, S] int32, padded with PAD on the right; there is no final state."""
        mask = tf.not_equal(source, PAD_ID)  # [B, S]
        embedded = self._input_dropout(self.embedding.embed(source), dropout_seed)  # [B, S, E]
        ran = self.stack.run(self.stack.weights_for_steps(), embedded, mask, dropout_seed=dropout_seed)
        values = ran.hidden * tf.cast(mask, tf.float32)[:, :, tf.newaxis]  # zero on padding, as a recurrent encoder's
        return EncoderOutput(self._output_dropout(values, dropout_seed), mask, ())

    def named_cells(self) -> NamedCells:
        """Returns (): there are no recurrent cells."""
        return ()
