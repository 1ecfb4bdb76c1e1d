"""Dropout masks are a function of seed and site, and keep the expectation."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import EmbeddingDropouts
from tests import oracles

B, T, E = 31, 37, 41
SEED = tf.constant([3, 5])
ONES = tf.ones([B, T, E])


def mask(rate: float = 0.3, site: str = "site", seed: tf.Tensor = SEED, **options: tuple[int, ...]) -> np.ndarray:
    """Returns what is left of ones, [B, T, E]."""
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
def test_expectation_and_share_are_kept(rate: float) -> None:
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


def test_word_dropout_takes_whole_words_and_variational_dropout_whole_columns() -> None:
    words = EmbeddingDropouts(oracles.small_config(word_dropout=0.3), "source")(ONES, SEED).numpy()
    whole = (words == 0.0).all(-1)
    np.testing.assert_array_equal((words == 0.0).any(-1), whole)
    assert abs(whole.mean() - 0.3) < 0.05
    config = oracles.small_config(embedding_dropout=0.3, variational=True)
    values = EmbeddingDropouts(config, "source")(ONES, SEED).numpy()
    np.testing.assert_array_equal(values, np.broadcast_to(values[:, :1], values.shape))
    assert len(np.unique(values[:, 0], axis=0)) == B  # each sentence has its own


@pytest.mark.parametrize("rates", [{"word_dropout": 0.3}, {"embedding_dropout": 0.3}], ids=str)
def test_source_and_target_have_masks_of_their_own(rates: dict) -> None:
    source, target = (
        EmbeddingDropouts(oracles.small_config(**rates), side)(ONES, SEED) for side in ("source", "target")
    )
    both_dropped = np.mean((source == 0.0) & (target == 0.0))
    assert abs(both_dropped - 0.3**2) < 0.03


def test_word_and_value_masks_are_independent() -> None:
    words, values = (
        EmbeddingDropouts(oracles.small_config(**{rate: 0.3}), "source")(ONES, SEED)
        for rate in ("word_dropout", "embedding_dropout")
    )
    assert abs(np.mean((words == 0.0) & (values == 0.0)) - 0.3**2) < 0.03
