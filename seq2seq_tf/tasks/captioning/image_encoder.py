"""The convolutional encoder, which turns an image into a grid of vectors; attention reads it like a sentence."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.structures import EncoderOutput
from seq2seq_tf.tasks.captioning.config import CaptioningModelConfig

_WINDOW = 3  # rows and columns of every convolution


class ImageEncoder(Float32Layer):
    """Convolutions that halve the image, and learned vectors for rows and columns (Xu 2015, section 3.1.1).

    A convolution gives the same output wherever it sees the same pixels, so positions are added to its outputs: one
    learned vector per row of the grid and one per column.

    Args:
      config: uses filters, halvings, position_scale and encoder_dropout.
      image_size: rows and columns of an image, a multiple of 2 ** halvings.
      dtype: policy of the convolutions.
    """

    def __init__(
        self, config: CaptioningModelConfig, image_size: int, *, dtype: Any, name: str = "image_encoder"
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.config = config
        self.side = image_size // 2**config.halvings  # rows and columns of the grid
        self.value_units = config.filters * 2**config.halvings
        strides = (1, *(stride for _ in range(config.halvings) for stride in (2, 1)))
        # A tuple: a checkpoint skips sublayers held in lists.
        self.convolutions = tuple(
            keras.layers.Conv2D(
                config.filters * 2 ** ((n + 1) // 2),
                _WINDOW,
                strides=stride,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
                name=f"convolution_{n}",
            )
            for n, stride in enumerate(strides)
        )
        self._output_dropout = Dropout(config.encoder_dropout, "image_encoder/output")

    def build(self) -> None:
        """Creates all variables."""
        channels = 1
        for convolution in self.convolutions:
            convolution.build((None, None, None, channels))
            channels = convolution.filters
        initial = keras.initializers.RandomNormal(stddev=self.config.position_scale)
        self.rows = self.add_weight(shape=(self.side, 1, channels), initializer=initial, name="rows")
        self.columns = self.add_weight(shape=(1, self.side, channels), initializer=initial, name="columns")

    def encode(self, images: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> EncoderOutput:
        """Encodes images [B, rows, columns] uint8; the grid is read row by row and unmasked, S = side * side."""
        count = tf.shape(images)[0]
        # Convolutions of an empty batch fail on the CPU (TensorFlow 2.21), so a blank image is added and cut off again.
        given = tf.pad(images, [[0, tf.maximum(1 - count, 0)], [0, 0], [0, 0]])
        x = tf.cast(given, tf.float32)[..., tf.newaxis] / 255.0  # [B, rows, columns, 1]
        for convolution in self.convolutions:
            x = convolution(x)
        placed = tf.cast(x[:count], tf.float32) + self.rows + self.columns  # [B, side, side, D]
        cells = self.side * self.side
        values = tf.reshape(placed, [-1, cells, self.value_units])  # [B, S, D]
        mask = tf.ones([count, cells], tf.bool)
        return EncoderOutput(self._output_dropout(values, dropout_seed), mask, ())
