"""What greedy and beam search share: length rules, forbidden pieces, dropping finished sentences."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.structures import EOS_ID, PAD_ID, UNK_ID

IDS = tf.int64  # of what a loop carries: TensorFlow keeps int32 of a loop in the host's memory, for sizes
NEG_INF = -1e9  # log-probability of what must not be chosen; finite, so that sums and quotients stay numbers


class Limits(NamedTuple):
    """Length rules of each sentence; lengths count EOS."""

    shortest: tf.Tensor  # [B] int32
    longest: tf.Tensor  # [B] int32, at least 1


class LengthRule(NamedTuple):
    """How lengths follow from those of the sources, each a scalar; numbers of Python do too.

    A ratio that is not a number counts as 0.
    """

    max_ratio: tf.Tensor  # float32
    max_extra: tf.Tensor  # int32
    min_ratio: tf.Tensor  # float32
    max_steps: tf.Tensor  # int32


def source_limits(source: tf.Tensor, rule: LengthRule) -> Limits:
    """Returns the limits of each sentence of source [B, S] int32, padded with PAD."""
    return length_limits(tf.reduce_sum(tf.cast(tf.not_equal(source, PAD_ID), tf.int32), 1), rule)


def length_limits(source_lengths: tf.Tensor, rule: LengthRule) -> Limits:
    """Returns limits relative to the source, so that they do not depend on batch mates.

    Args:
      source_lengths: [B] int32, EOS counted.
      rule: how they follow from it.
    """
    pieces = tf.cast(source_lengths, tf.float32)
    most = tf.maximum(rule.max_steps, 1)
    extra = tf.minimum(rule.max_extra, most)
    longest = tf.clip_by_value(_share(rule.max_ratio, pieces, most) + extra, 1, most)
    return Limits(tf.minimum(_share(rule.min_ratio, pieces, most), longest), longest)


def _share(ratio: tf.Tensor, pieces: tf.Tensor, most: tf.Tensor) -> tf.Tensor:
    """Returns ratio * pieces, rounded down, at most `most`: a float that int32 cannot hold is never cast."""
    share = ratio * pieces
    return tf.cast(tf.clip_by_value(tf.where(share >= 0.0, share, 0.0), 0.0, tf.cast(most, tf.float32)), tf.int32)


def length_penalty(length: tf.Tensor, exponent: tf.Tensor) -> tf.Tensor:
    """Returns ((5 + length) / 6) ** exponent (Wu 2016, equation 14). length: [...] int32, EOS counted."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, exponent)


class Vocabulary(NamedTuple):
    """Which pieces may go on a hypothesis: all but PAD, BOS and EOS, and UNK where it is allowed."""

    unknown: tf.Tensor  # [] int64, the id of UNK; one that no piece has where it is forbidden
    forbidden: tf.Tensor  # [] int32, how many never go on a hypothesis

    def continues(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns True where a piece may go on a hypothesis."""
        return (ids > EOS_ID) | (ids == self.unknown)  # ids 0 to 3 are PAD, UNK, BOS, EOS


def vocabulary(allow_unknown: tf.Tensor) -> Vocabulary:
    """Returns what a search may write; made once, outside of its loop."""
    unknown = tf.where(allow_unknown, tf.constant(UNK_ID, IDS), tf.constant(-1, IDS))
    return Vocabulary(unknown, tf.where(allow_unknown, 3, 4))


def gather_rows(tree: Any, rows: tf.Tensor) -> Any:
    """Returns the tensors of a nest restricted to `rows` [M] int32 of their first axis."""
    return tf.nest.map_structure(lambda x: tf.gather(x, rows), tree)
