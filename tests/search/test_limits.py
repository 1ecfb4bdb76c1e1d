"""Length rules follow the source, and no rule makes a search run longer than its bound."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.search.limits import LengthRule, length_limits, source_limits
from seq2seq_tf.structures import EOS_ID, PAD_ID

LARGE = 3e38
SOURCES = tf.constant([1, 7, 10])


def test_limits_follow_the_source_and_never_contradict_each_other() -> None:
    limits = length_limits(SOURCES, LengthRule(2.0, 5, 0.5, 99))
    np.testing.assert_array_equal(limits.longest, [7, 19, 25])
    np.testing.assert_array_equal(limits.shortest, [0, 3, 5])
    limits = length_limits(SOURCES, LengthRule(0.0, 1, 3.0, 99))
    np.testing.assert_array_equal(limits.longest, [1, 1, 1])
    np.testing.assert_array_equal(limits.shortest, [1, 1, 1])


def test_no_search_is_longer_than_max_steps() -> None:
    limits = length_limits(SOURCES, LengthRule(2.0, 5, 2.0, 11))
    np.testing.assert_array_equal(limits.longest, [7, 11, 11])
    np.testing.assert_array_equal(limits.shortest, [2, 11, 11])


@pytest.mark.parametrize("ratio", [LARGE, float("inf"), 1e9])
@pytest.mark.parametrize("extra", [1, 2**31 - 1])
def test_numbers_too_large_for_int32_are_limited_to_the_bound(ratio: float, extra: int) -> None:
    limits = length_limits(SOURCES, LengthRule(ratio, extra, ratio, 13))
    np.testing.assert_array_equal(limits.longest, [13, 13, 13])
    np.testing.assert_array_equal(limits.shortest, [13, 13, 13])


@pytest.mark.parametrize("ratio", [float("nan"), -1.0, -LARGE, float("-inf")])
def test_a_ratio_that_is_nan_or_negative_is_treated_as_zero(ratio: float) -> None:
    limits = length_limits(SOURCES, LengthRule(ratio, 5, ratio, 99))
    np.testing.assert_array_equal(limits.longest, [5, 5, 5])
    np.testing.assert_array_equal(limits.shortest, [0, 0, 0])


def test_there_is_room_for_the_end_whatever_the_bound() -> None:
    np.testing.assert_array_equal(length_limits(SOURCES, LengthRule(2.0, -7, 0.0, -1)).longest, [1, 1, 1])


def test_padding_of_a_source_does_not_count() -> None:
    source = tf.constant([[7, 8, EOS_ID], [9, EOS_ID, PAD_ID]])
    np.testing.assert_array_equal(source_limits(source, LengthRule(2.0, 1, 0.0, 99)).longest, [7, 5])
