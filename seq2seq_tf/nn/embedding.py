"""Piece embeddings and their dropout."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seq2seq_tf.config.common import NetworkConfig
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.layer import Float32Layer, register
from seq2seq_tf.structures import PAD_ID


@register
class Embedding(Float32Layer):
    """A table [V, E]; may be shared between source, target and output (Press and Wolf 2017).

    Args:
      vocab_size: V.
      units: E.
      scale: standard deviation of the initial values.
      kwargs: name and dtype policy of the layer.
    """

    def __init__(self, vocab_size: int, units: int, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocab_size = vocab_size
        self.units = units
        self.scale = scale

    def build(self, tokens_shape: Any = None) -> None:
        """Creates the table, normally distributed with standard deviation `scale`."""
        self.table = self.add_weight(
            shape=(self.vocab_size, self.units),
            initializer=keras.initializers.RandomNormal(stddev=self.scale),
            name="table",
        )

    def embed(self, tokens: tf.Tensor) -> tf.Tensor:
        """Returns the rows of the table. tokens [...] int32 -> [..., E]."""
        return tf.nn.embedding_lookup(tf.convert_to_tensor(self.table), tokens)

    def call(self, tokens: tf.Tensor) -> tf.Tensor:
        """Returns the rows of the table, as `embed` does; padding is masked for later layers."""
        return self.embed(tf.cast(tokens, tf.int32))

    def compute_mask(self, tokens: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns which tokens are not padding."""
        del mask
        return keras.ops.not_equal(tokens, PAD_ID)

    def get_config(self) -> dict[str, Any]:
        """See `keras.layers.Layer.get_config`."""
        return {**super().get_config(), "vocab_size": self.vocab_size, "units": self.units, "scale": self.scale}


class EmbeddingDropouts:
    """Dropout on single values and, separately, on whole words (Gal 2016; Sennrich 2016), for source or target."""

    def __init__(self, config: NetworkConfig, side: str) -> None:
        shared = (1,) if config.variational else ()
        self._values = Dropout(config.embedding_dropout, f"{side}/embedding", shared_axes=shared)
        self._words = Dropout(config.word_dropout, f"{side}/word", shared_axes=(2,))

    def __call__(self, embedded: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
        """Returns embedded [B, T, E] with elements dropped; unchanged if seed is None."""
        return self._values(self._words(embedded, seed), seed)
