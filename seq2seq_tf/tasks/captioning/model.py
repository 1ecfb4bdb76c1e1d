"""The captioning model: convolutional encoder, the translator's attention decoder, vocabulary projection.

Show, attend and tell (Xu 2015) with soft attention: one image to many words.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.output import OutputProjection, SearchWeights, log_probabilities, make_step_fn, summed_loss
from seq2seq_tf.nn.products import cast
from seq2seq_tf.structures import DecoderState, LossSum, Memory, StepFn, TeacherForced
from seq2seq_tf.tasks.captioning.config import CaptioningModelConfig
from seq2seq_tf.tasks.captioning.image_encoder import ImageEncoder


class CaptionBatch(NamedTuple):
    """Images with their captions."""

    images: tf.Tensor  # [B, rows, columns] uint8
    target_in: tf.Tensor  # [B, T] int32, starts with BOS
    target_out: tf.Tensor  # [B, T] int32, ends with EOS, then PAD


class Captioning(keras.layers.Layer):
    """Captions for grey images.

    Args:
      config: sizes and regularisation.
      image_size: rows and columns of an image.
      vocab_size: number of words, special ones included.
      precision: float32 or bfloat16, of the matrix products and convolutions.
    """

    def __init__(
        self,
        config: CaptioningModelConfig,
        image_size: int,
        vocab_size: int,
        *,
        precision: str,
        name: str = "captioning",
    ) -> None:
        super().__init__(name=name)
        self.config = config
        self.precision = precision
        self.encoder = ImageEncoder(config, image_size, precision=precision)
        self.words = Embedding(vocab_size, config.embedding_units, config.embedding_scale, name="words")
        self.decoder = AttentionDecoder(config, self.words, self.encoder.value_units, precision=precision)

    def build(self) -> None:
        """Creates every variable; nothing is created later."""
        self.encoder.build()
        self.words.build()
        self.decoder.build()
        shape = (self.words.vocab_size, self.config.output_units)
        self.output_table = self.add_weight(shape=shape, initializer="glorot_uniform", name="output_table")
        self.vocabulary_bias = self.add_weight(shape=shape[:1], initializer="zeros", name="vocabulary_bias")

    def _output_projection(self, precision: str) -> OutputProjection:
        return OutputProjection(cast(self.output_table, precision), tf.convert_to_tensor(self.vocabulary_bias))

    def encode(self, images: tf.Tensor, *, dropout_seed: tf.Tensor | None = None) -> tuple[Memory, DecoderState]:
        """Returns what the decoder needs of images [B, rows, columns] uint8; dropout is on if dropout_seed is given."""
        encoded = self.encoder.encode(images, dropout_seed=dropout_seed)
        return self.decoder.prepare(encoded), self.decoder.initial_state(encoded)

    def step_fn(self) -> StepFn:
        """Returns the step of the searches; make it outside the loop that calls it."""
        return make_step_fn(
            self.decoder, SearchWeights(self.decoder.weights_for_steps(), self._output_projection("float32"))
        )

    def teacher_force(self, batch: CaptionBatch, *, dropout_seed: tf.Tensor | None) -> TeacherForced:
        """Runs encoder and decoder over images with known captions."""
        memory, state = self.encode(batch.images, dropout_seed=dropout_seed)
        return self.decoder.teacher_force(batch.target_in, state, memory, dropout_seed=dropout_seed)

    def batch_loss(
        self, batch: CaptionBatch, carry: tuple[()], *, smoothing: float, dropout_seed: tf.Tensor | None
    ) -> tuple[LossSum, tuple[()]]:
        """Returns the loss summed over real words; dropout is on if dropout_seed is given."""
        hidden = self.teacher_force(batch, dropout_seed=dropout_seed).hidden
        vocabulary = self._output_projection(self.precision)
        return summed_loss(hidden, batch.target_out, vocabulary, smoothing=smoothing, fused=self.config.fused), carry

    def score(self, batch: CaptionBatch) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the log-probability of each word [B, T] (zero on padding) and the attention weights [B, T, S]."""
        forced = self.teacher_force(batch, dropout_seed=None)
        vocabulary = self._output_projection("float32")
        return log_probabilities(forced.hidden, batch.target_out, vocabulary, fused=self.config.fused), forced.weights
