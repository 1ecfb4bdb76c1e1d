"""Encoders: a source to one vector per piece (or place) and a final state. What all offer, and the recurrent one."""

from __future__ import annotations

from typing import Protocol

import keras
import tensorflow as tf

from seq2seq_tf.config.common import EncoderConfig
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding, EmbeddingDropouts
from seq2seq_tf.nn.recurrent import RecurrentStack
from seq2seq_tf.structures import PAD_ID, EncoderOutput


class EncoderProtocol(Protocol):
    """What a decoder, a classifier or a tagger needs of an encoder."""

    value_units: int  # D, known before anything is built

    def encode(self, source: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> EncoderOutput:
        """Encodes a batch; dropout is on if dropout_seed is given."""


class Encoder(keras.layers.Layer):
    """Embedding and recurrent stack; padding has no influence on any result.

    Args:
      config: sizes and dropouts.
      embedding: the source table, owned by the model (it may be shared).
    """

    def __init__(self, config: EncoderConfig, embedding: Embedding, *, precision: str, name: str = "encoder") -> None:
        super().__init__(name=name)
        self.embedding = embedding
        self.stack = RecurrentStack(
            config,
            units=config.encoder_units,
            layers=config.encoder_layers,
            bidirectional=config.bidirectional,
            precision=precision,
            name="stack",
        )
        self.value_units = self.stack.output_units
        self._input_dropout = EmbeddingDropouts(config, "source")
        shared = (1,) if config.variational else ()
        self._output_dropout = Dropout(config.encoder_dropout, "encoder/output", shared_axes=shared)

    def build(self) -> None:
        """Creates the variables; the embedding is built by its owner."""
        self.stack.build(self.embedding.units)

    def encode(self, source: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> EncoderOutput:
        """Encodes source [B, S] int32, padded with PAD on the right."""
        mask = tf.not_equal(source, PAD_ID)  # [B, S]
        embedded = self._input_dropout(self.embedding.embed(source), dropout_seed)  # [B, S, E]
        start = self.stack.zero_state(tf.shape(source)[0])
        values, final = self.stack.unroll(embedded, mask, start, dropout_seed=dropout_seed)
        return EncoderOutput(self._output_dropout(values, dropout_seed), mask, final)
