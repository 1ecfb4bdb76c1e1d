"""The captioning model: convolutional encoder, the translator's attention decoder, output projection.

It is "Show, attend and tell" (Xu 2015) with soft attention: one image to many words.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder_decoder import EncoderDecoder
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.output import OutputProjection
from seq2seq_tf.nn.products import cast, dtype_policy
from seq2seq_tf.tasks.captioning.config import CaptioningModelConfig
from seq2seq_tf.tasks.captioning.image_encoder import ImageEncoder


class CaptionBatch(NamedTuple):
    """Images and their captions."""

    images: tf.Tensor  # [B, rows, columns] uint8
    target_in: tf.Tensor  # [B, T] int32, starts with BOS
    target_out: tf.Tensor  # [B, T] int32, ends with EOS, then PAD


class Captioning(EncoderDecoder):
    """Writes captions for grey images (Xu 2015).

    Args:
      config: sizes and regularisation.
      image_size: rows and columns of an image.
      vocab_size: number of words, special ones included.
      precision: float32 or bfloat16, of the matrix products and convolutions.
      smoothing: label smoothing in training.
    """

    encoder: ImageEncoder
    decoder: AttentionDecoder

    def __init__(
        self,
        config: CaptioningModelConfig,
        image_size: int,
        vocab_size: int,
        *,
        precision: str,
        smoothing: float = 0.0,
        name: str = "captioning",
    ) -> None:
        super().__init__(name=name, dtype=dtype_policy(precision))
        policy = self.dtype_policy
        self.config = config
        self.cross_entropy = CrossEntropy(smoothing, config.fused)
        self.encoder = ImageEncoder(config, image_size, dtype=policy)
        self.words = Embedding(vocab_size, config.embedding_units, config.embedding_scale, name="words", dtype=policy)
        self.decoder = AttentionDecoder(config, self.words, dtype=policy, name="decoder")

    def build(self) -> None:
        """Creates all variables."""
        self.encoder.build()
        self.words.build()
        self.decoder.build((None, None), (None, None, self.encoder.value_units))
        shape = (self.words.vocab_size, self.config.output_units)
        self.output_table = self.add_weight(shape=shape, initializer="glorot_uniform", name="output_table")
        self.vocabulary_bias = self.add_weight(shape=shape[:1], initializer="zeros", name="vocabulary_bias")

    def output_projection(self, dtype: str) -> OutputProjection:
        """See `EncoderDecoder.output_projection`."""
        return OutputProjection(cast(self.output_table, dtype), tf.convert_to_tensor(self.vocabulary_bias))
