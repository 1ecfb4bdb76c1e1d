"""Shared by greedy and beam search: length rules, forbidden pieces, dropping finished sentences."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.structures import EOS_ID, PAD_ID, UNK_ID

IDS = tf.int64  # type of the integers that a loop carries: TensorFlow keeps int32 in host memory, for sizes
NEG_INF = -1e9  # log-probability of what must not be chosen; finite, so that sums and quotients are never NaN


class Limits(NamedTuple):
    """Length limits of each sentence; lengths include EOS."""

    shortest: tf.Tensor  # [B] int32
    longest: tf.Tensor  # [B] int32, at least 1


class LengthRule(NamedTuple):
    """How the limits follow from the source lengths; each field is a scalar, as a tensor or a Python number.

    A ratio that is NaN is treated as 0.
    """

    max_ratio: tf.Tensor  # float32
    max_extra: tf.Tensor  # int32
    min_ratio: tf.Tensor  # float32
    max_steps: tf.Tensor  # int32


def source_limits(source: tf.Tensor, rule: LengthRule) -> Limits:
    """Returns the limits of each sentence of source [B, S] int32, padded with PAD."""
    return length_limits(tf.reduce_sum(tf.cast(tf.not_equal(source, PAD_ID), tf.int32), 1), rule)


def length_limits(source_lengths: tf.Tensor, rule: LengthRule) -> Limits:
    """Returns limits relative to the source, so that they do not depend on the other sentences of a batch.

    Args:
      source_lengths: [B] int32, including EOS.
      rule: how the limits follow from them.
    """
    pieces = tf.cast(source_lengths, tf.float32)
    most = tf.maximum(rule.max_steps, 1)
    extra = tf.minimum(rule.max_extra, most)
    longest = tf.clip_by_value(_share(rule.max_ratio, pieces, most) + extra, 1, most)
    return Limits(tf.minimum(_share(rule.min_ratio, pieces, most), longest), longest)


def _share(ratio: tf.Tensor, pieces: tf.Tensor, most: tf.Tensor) -> tf.Tensor:
    """Returns ratio * pieces, rounded down and at most `most`; clips before casting, as int32 may overflow."""
    share = ratio * pieces
    return tf.cast(tf.clip_by_value(tf.where(share >= 0.0, share, 0.0), 0.0, tf.cast(most, tf.float32)), tf.int32)


def length_penalty(length: tf.Tensor, exponent: tf.Tensor) -> tf.Tensor:
    """Returns ((5 + length) / 6) ** exponent (Wu 2016, equation 14). length: [...] int32, including EOS."""
    return tf.pow((5.0 + tf.cast(length, tf.float32)) / 6.0, exponent)


class Vocabulary(NamedTuple):
    """Which pieces may continue a hypothesis: all but PAD, BOS, EOS and, unless allowed, UNK."""

    unknown: tf.Tensor  # [] int64, the id of UNK; -1, which no piece has, where it is forbidden
    forbidden: tf.Tensor  # [] int32, number of ids that never continue a hypothesis

    def continues(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns True where a piece may continue a hypothesis."""
        return (ids > EOS_ID) | (ids == self.unknown)  # ids 0 to 3 are PAD, UNK, BOS, EOS


def vocabulary(allow_unknown: tf.Tensor) -> Vocabulary:
    """Returns the pieces that a search may use; call this once, outside its loop."""
    unknown = tf.where(allow_unknown, tf.constant(UNK_ID, IDS), tf.constant(-1, IDS))
    return Vocabulary(unknown, tf.where(allow_unknown, 3, 4))


def gather_rows(tree: Any, rows: tf.Tensor) -> Any:
    """Returns the tensors of a nest restricted to `rows` [M] int32 or int64 of their first axis."""
    return tf.nest.map_structure(lambda x: tf.gather(x, rows), tree)
