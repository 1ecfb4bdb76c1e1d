"""Pure functions that score queries against keys and read values with the scores."""

from __future__ import annotations

import tensorflow as tf

MASKED_SCORE = -1e9  # finite: a softmax over a row of -inf is NaN


def energies(queries: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """Returns tanh(query + key) [B, K, S, A] for projected queries [B * K, A] and keys [B, S, A]."""
    grouped = tf.reshape(queries, [tf.shape(keys)[0], -1, 1, queries.shape[1]])  # [B, K, 1, A]
    return tf.tanh(keys[:, tf.newaxis] + grouped)


def additive_scores(queries: tf.Tensor, v: tf.Tensor, keys: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the masked scores before the softmax.

    Args:
      queries: [N, A], projected; N = B * K rows, the K of one sentence adjacent.
      v: [A].
      keys: [B, S, A].
      mask: [B, S] bool.

    Returns:
      [B, K, S] float32.
    """
    met = energies(queries, keys)
    flat = tf.reshape(met, [-1, queries.shape[1]])
    scores = tf.reshape(tf.matmul(flat, v[:, tf.newaxis]), tf.shape(met)[:3])  # [B, K, S]
    return tf.where(mask[:, tf.newaxis], scores, MASKED_SCORE)


def dot_scores(queries: tf.Tensor, keys: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the masked products [B, K, S] of queries [B * K, Q] and keys [B, S, Q]."""
    grouped = tf.reshape(queries, [tf.shape(keys)[0], -1, queries.shape[1]])  # [B, K, Q]
    return tf.where(mask[:, tf.newaxis], tf.matmul(grouped, keys, transpose_b=True), MASKED_SCORE)


def read_values(scores: tf.Tensor, values: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns context [N, D] and weights [N, S] for masked scores [B, K, S] and values [B, S, D]; N = rows."""
    attention_weights = tf.nn.softmax(scores, axis=-1)
    context = tf.matmul(attention_weights, values)  # [B, K, D]
    return (
        tf.reshape(context, [-1, values.shape[2]]),
        tf.reshape(attention_weights, [rows, tf.shape(scores)[2]]),  # S may be 0, and then -1 cannot be inferred
    )
