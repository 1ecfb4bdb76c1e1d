"""Additive attention (Bahdanau, Cho, Bengio 2015, equation 6): score = v . tanh(W_q query + W_k value)."""

from __future__ import annotations

import keras
import tensorflow as tf

from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.structures import EncoderOutput, Memory

MASKED_SCORE = -1e9  # finite: a softmax over a row of -inf is NaN


def additive_scores(queries: tf.Tensor, v: tf.Tensor, keys: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the masked scores before the softmax.

    Args:
      queries: [N, A], projected; N = B * K rows, the K of one sentence next to each other.
      v: [A].
      keys: [B, S, A]; not tiled: K queries meet the keys of their sentence.
      mask: [B, S] bool.

    Returns:
      [B, K, S] float32.
    """
    grouped = tf.reshape(queries, [tf.shape(keys)[0], -1, 1, queries.shape[1]])  # [B, K, 1, A]
    energies = tf.tanh(keys[:, tf.newaxis] + grouped)  # [B, K, S, A]
    flat = tf.reshape(energies, [-1, queries.shape[1]])
    scores = tf.reshape(tf.matmul(flat, v[:, tf.newaxis]), tf.shape(energies)[:3])  # [B, K, S]
    return tf.where(mask[:, tf.newaxis], scores, MASKED_SCORE)


class BahdanauAttention(keras.layers.Layer):
    """Additive attention over an encoder's outputs.

    Args:
      units: A, size of the space where queries and keys meet.
      precision: of the matrix products.
    """

    def __init__(self, units: int, *, precision: str, name: str = "attention") -> None:
        super().__init__(name=name)
        self.units = units
        self.precision = precision

    def build(self, query_units: int, value_units: int) -> None:
        """Creates the variables for queries [N, query_units] and values [B, S, value_units]."""
        self.query_kernel = self.add_weight(
            shape=(query_units, self.units), initializer="glorot_uniform", name="query_kernel"
        )
        self.key_kernel = self.add_weight(
            shape=(value_units, self.units), initializer="glorot_uniform", name="key_kernel"
        )
        self.key_bias = self.add_weight(shape=(self.units,), initializer="zeros", name="key_bias")
        bound = (3.0 / self.units) ** 0.5  # unit variance of the score for energies of unit variance
        self.v = self.add_weight(
            shape=(self.units,), initializer=keras.initializers.RandomUniform(-bound, bound), name="v"
        )

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """Returns the memory of a batch: the keys are projected once per sentence."""
        keys = product(encoded.values, cast(self.key_kernel, self.precision)) + self.key_bias  # [B, S, A]
        return Memory(keys, encoded.values, encoded.mask)

    def weights_for_steps(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (query kernel [Q, A], v [A]); take them before a loop."""
        return cast(self.query_kernel, self.precision), tf.convert_to_tensor(self.v)

    def attend(
        self, weights: tuple[tf.Tensor, tf.Tensor], query: tf.Tensor, memory: Memory
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the context and the attention weights.

        Args:
          weights: from `weights_for_steps`.
          query: [N, Q], N = B * K.
          memory: of B sentences.

        Returns:
          context [N, D] and weights [N, S], which sum to one over the real pieces.
        """
        query_kernel, v = weights
        scores = additive_scores(product(query, query_kernel), v, memory.keys, memory.mask)  # [B, K, S]
        attention_weights = tf.nn.softmax(scores, axis=-1)
        context = tf.matmul(attention_weights, memory.values)  # [B, K, D]
        return (
            tf.reshape(context, [-1, memory.values.shape[2]]),
            tf.reshape(
                attention_weights, [tf.shape(query)[0], tf.shape(scores)[2]]
            ),  # S may be 0: nothing to infer from
        )
