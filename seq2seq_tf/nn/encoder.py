"""Encoders turn a source into a vector per piece (or image region) and a final state: protocol, recurrent encoder."""

from __future__ import annotations

from typing import Any, Protocol

import keras
import tensorflow as tf

from seq2seq_tf.config.common import EncoderConfig
from seq2seq_tf.nn.cells import NamedCells
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding, EmbeddingDropouts
from seq2seq_tf.nn.layer import ConfiguredLayer, drawn_seed, register
from seq2seq_tf.nn.recurrent import RecurrentStack
from seq2seq_tf.structures import PAD_ID, EncoderOutput


class EncoderProtocol(Protocol):
    """What a decoder, a classifier or a tagger needs from an encoder."""

    value_units: int  # D, known before anything is built

    def encode(self, source: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> EncoderOutput:
        """Encodes a batch; dropout is on if dropout_seed is given."""


class EncoderLayer(ConfiguredLayer):
    """An encoder of pieces as a Keras layer; a subclass has a `stack` and the method `encode`.

    Args:
      config: sizes and dropouts.
      embedding: the source table; it may be shared with other layers.
      kwargs: name and dtype policy of the layer.
    """

    stack: Any

    def __init__(self, config: EncoderConfig, embedding: Embedding, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.embedding = embedding
        self._input_dropout = EmbeddingDropouts(config, "source")
        shared = (1,) if config.variational else ()
        self._output_dropout = Dropout(config.encoder_dropout, "encoder/output", shared_axes=shared)

    def build(self, source_shape: Any = None) -> None:
        """Creates the variables, including the table's unless it is already built."""
        if not self.embedding.built:
            self.embedding.build()
        self.stack.build((None, None, self.embedding.units))

    def call(self, source: tf.Tensor, training: bool | None = None) -> EncoderOutput:
        """Encodes source [B, S], padded with PAD on the right; the values carry a mask for later layers."""
        encoder: Any = self
        encoded: EncoderOutput = encoder.encode(tf.cast(source, tf.int32), dropout_seed=drawn_seed(training))
        return encoded

    def compute_mask(self, source: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the mask of the values: which pieces are not padding."""
        del mask
        return keras.ops.not_equal(source, PAD_ID)


@register
class Encoder(EncoderLayer):
    """Embedding and recurrent stack; padding does not influence any result.

    Args:
      config: sizes and dropouts.
      embedding: the source table; it may be shared with other layers.
      kwargs: name and dtype policy of the layer.
    """

    options = EncoderConfig
    config: EncoderConfig
    stack: RecurrentStack

    def __init__(self, config: EncoderConfig, embedding: Embedding, **kwargs: Any) -> None:
        super().__init__(config, embedding, **kwargs)
        self.stack = RecurrentStack(
            config,
            units=config.encoder_units,
            layers=config.encoder_layers,
            bidirectional=config.bidirectional,
            dtype=self.dtype_policy,
            name="stack",
        )
        self.value_units = self.stack.output_units

    def encode(self, source: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> EncoderOutput:
        """Encodes source [B, S] int32, padded with PAD on the right."""
        mask = tf.not_equal(source, PAD_ID)  # [B, S]
        embedded = self._input_dropout(self.embedding.embed(source), dropout_seed)  # [B, S, E]
        start = self.stack.zero_state(tf.shape(source)[0])
        values, final = self.stack.unroll(embedded, mask, start, dropout_seed=dropout_seed)
        return EncoderOutput(self._output_dropout(values, dropout_seed), mask, final)

    def named_cells(self) -> NamedCells:
        """Returns its recurrent cells, from the input up."""
        return tuple(
            (f"encoder/layer_{n}/{direction}", cell, direction == "backward")
            for n, layer in enumerate(self.stack.cells)
            for direction, cell in zip(("forward", "backward"), layer, strict=False)
        )
