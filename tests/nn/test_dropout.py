"""Dropout masks are a function of seed and site, and keep the expectation."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.dropout import Dropout

B, T, E = 31, 37, 41
SEED = tf.constant([3, 5])
ONES = tf.ones([B, T, E])


def mask(rate: float = 0.3, site: str = "site", seed: tf.Tensor = SEED, **options: tuple[int, ...]) -> np.ndarray:
    """Returns the result of dropout on ones, [B, T, E]."""
    return Dropout(rate, site, **options)(ONES, seed).numpy()


def test_same_seed_and_site_give_the_same_mask() -> None:
    np.testing.assert_array_equal(mask(), mask())
    traced = tf.function(lambda seed: Dropout(0.3, "site")(ONES, seed))
    np.testing.assert_array_equal(traced(SEED), mask())


@pytest.mark.parametrize("other", [{"site": "another"}, {"seed": tf.constant([3, 6])}, {"seed": tf.constant([4, 5])}])
def test_another_site_or_seed_gives_an_independent_mask(other: dict) -> None:
    both_dropped = np.mean((mask() == 0.0) & (mask(**other) == 0.0))
    assert abs(both_dropped - 0.3**2) < 0.01


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_expectation_is_kept_and_the_rate_is_met(rate: float) -> None:
    left = mask(rate)
    assert set(np.unique(left)) == {0.0, np.float32(1.0 / (1.0 - rate))}
    assert abs(np.mean(left == 0.0) - rate) < 0.01
    assert abs(left.mean() - 1.0) < 0.05


def test_rate_zero_and_no_seed_change_nothing(rng: np.random.Generator) -> None:
    x = tf.constant(rng.normal(size=[2, 3, 5]), tf.float32)
    assert Dropout(0.0, "site")(x, SEED) is x
    assert Dropout(0.5, "site")(x, None) is x


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_shared_axis_shares_its_mask_and_no_other_does(axis: int) -> None:
    left = mask(shared_axes=(axis,))
    np.testing.assert_array_equal(left, np.broadcast_to(np.take(left, [0], axis), left.shape))
    for other in {0, 1, 2} - {axis}:
        assert np.any(left != np.take(left, [0], other))


def test_the_gradient_has_the_same_mask(rng: np.random.Generator) -> None:
    x = tf.constant(rng.normal(size=[B, T, E]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(Dropout(0.3, "site")(x, SEED))
    np.testing.assert_array_equal(tape.gradient(total, x), mask())
