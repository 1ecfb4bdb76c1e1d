"""The blockwise top-k equals tf.math.top_k, only faster."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.search.topk import BLOCK, log_sum_exp, top_k

_ROWS, _K = tf.TensorSpec([None, None]), tf.TensorSpec([], tf.int32)
_by_blocks = tf.function(top_k, input_signature=[_ROWS, _K])


@pytest.mark.parametrize("columns", [7, 2 * BLOCK, 31 * BLOCK, 31 * BLOCK + 1, 32 * BLOCK - 1])
@pytest.mark.parametrize("k", [1, 5, 7])
def test_values_and_columns_equal_plain_top_k(columns: int, k: int, rng: np.random.Generator) -> None:
    rows = tf.constant(rng.normal(size=[11, columns]), tf.float32)
    got, expected = _by_blocks(rows, k), tf.math.top_k(rows, k)
    np.testing.assert_array_equal(got[0], expected.values)
    np.testing.assert_array_equal(got[1], expected.indices)


def test_of_equal_values_the_earlier_column_comes_first_as_in_plain_top_k(rng: np.random.Generator) -> None:
    rows = tf.constant(rng.integers(0, 3, size=[13, 29 * BLOCK + 5]), tf.float32)  # almost all ties
    got, expected = _by_blocks(rows, 7), tf.math.top_k(rows, 7)
    np.testing.assert_array_equal(got[0], expected.values)
    np.testing.assert_array_equal(got[1], expected.indices)


def test_rows_of_negative_infinity_and_no_rows_at_all_work() -> None:
    rows = tf.fill([3, 20 * BLOCK], -np.inf)
    np.testing.assert_array_equal(_by_blocks(rows, 2)[1], tf.math.top_k(rows, 2).indices)
    assert _by_blocks(tf.zeros([0, 20 * BLOCK]), 2)[0].shape == (0, 2)


def test_log_sum_exp_equals_tensorflows_even_for_large_logits(rng: np.random.Generator) -> None:
    rows = tf.constant(rng.normal(size=[5, 301]) * 100.0, tf.float32)
    got = log_sum_exp(rows, tf.reduce_max(rows, 1, keepdims=True))
    np.testing.assert_allclose(got, tf.reduce_logsumexp(rows, 1), rtol=1e-6)
