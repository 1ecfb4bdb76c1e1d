"""What greedy and beam search share: length rules, forbidden pieces, dropping finished sentences."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.structures import EOS_ID, UNK_ID

IDS = tf.int64  # of what a loop carries: TensorFlow keeps int32 of a loop in the host's memory, for sizes
IMPOSSIBLE = -1e9  # log-probability of what must not be chosen; finite, so that sums and quotients stay numbers


class Limits(NamedTuple):
    """Length rules of each sentence; lengths count EOS."""

    shortest: tf.Tensor  # [B] int32
    longest: tf.Tensor  # [B] int32, at least 1


def length_limits(
    source_lengths: tf.Tensor, max_ratio: tf.Tensor, max_extra: tf.Tensor, min_ratio: tf.Tensor
) -> Limits:
    """Returns limits relative to the source, so that they do not depend on batch mates.

    Args:
      source_lengths: [B] int32, EOS counted.
      max_ratio, max_extra, min_ratio: scalars; see SearchConfig.
    """
    pieces = tf.cast(source_lengths, tf.float32)
    longest = tf.maximum(tf.cast(max_ratio * pieces, tf.int32) + max_extra, 1)
    shortest = tf.minimum(tf.cast(min_ratio * pieces, tf.int32), longest)
    return Limits(shortest, longest)


def length_penalty(length: tf.Tensor, exponent: tf.Tensor) -> tf.Tensor:
    """Returns ((5 + length) / 6) ** exponent (Wu 2016, equation 14). length: [...] int32, EOS counted."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, exponent)


def is_continuation(ids: tf.Tensor) -> tf.Tensor:
    """Returns True where a piece may go on a hypothesis: all but PAD, BOS and EOS."""
    return (ids > EOS_ID) | (ids == UNK_ID)  # ids 0 to 3 are PAD, UNK, BOS, EOS


def keep_rows(tree: Any, rows: tf.Tensor) -> Any:
    """Returns the tensors of a nest restricted to `rows` [M] int32 of their first axis."""
    return tf.nest.map_structure(lambda x: tf.gather(x, rows), tree)
