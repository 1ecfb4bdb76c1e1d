"""Quantiles between known levels are interpolated; intervals are central."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq_tf.tasks.forecasting.outcomes import LEVELS, Forecasts, with_levels


def test_a_quantile_is_known_or_between_two_known_ones(rng: np.random.Generator) -> None:
    levels = (0.1, 0.2, 0.6)
    quantiles = np.cumsum(rng.uniform(0.1, 1.0, [3, 2, 5, 1]), 0)
    found = Forecasts(quantiles[0], levels, quantiles)
    for level, wanted in zip(levels, quantiles, strict=True):
        np.testing.assert_allclose(found.quantile(level), wanted)
    np.testing.assert_allclose(found.quantile(0.5), quantiles[1] + 0.75 * (quantiles[2] - quantiles[1]))
    lower, upper = found.interval(0.8)
    np.testing.assert_allclose((lower, upper), (found.quantile(0.1), found.quantile(0.9)))


@pytest.mark.parametrize("level", [0.9, 0.8, 1 / 3, 0.999])
def test_the_ends_of_an_interval_are_among_the_levels(level: float) -> None:
    levels = with_levels(LEVELS, level)
    assert list(levels) == sorted(set(levels))
    for wanted in (0.5 - level / 2, 0.5, 0.5 + level / 2):
        assert min(abs(found - wanted) for found in levels) < 1e-9
    assert with_levels(LEVELS, 0.9) == LEVELS
