"""Scores equal their definitions; the score of a Gaussian approaches the closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.outcomes import Forecasts
from seq2seq_tf.tasks.forecasting.scores import naive_errors, pinball, score


def gaussian(mean: np.ndarray, levels: np.ndarray) -> Forecasts:
    quantiles = mean + stats.norm.ppf(levels)[:, np.newaxis, np.newaxis, np.newaxis]
    return Forecasts(mean, tuple(levels.tolist()), quantiles)


def test_the_unit_of_mase_is_the_error_of_the_naive_forecast(rng: np.random.Generator) -> None:
    train = rng.normal(size=[19, 2])
    for season in (1, 3):
        wanted = np.mean([np.abs(train[t] - train[t - season]) for t in range(season, 19)], 0)
        np.testing.assert_allclose(naive_errors(train, season, ("a", "b")), wanted)
    with pytest.raises(InputError, match="data.season=19 needs more than 19 training rows"):
        naive_errors(train, 19, ("a", "b"))
    with pytest.raises(InputError, match="column 'b' repeats itself exactly after 2 steps"):
        naive_errors(np.stack([train[:, 0], np.arange(19) % 2], 1), 2, ("a", "b"))


def test_scores_are_means_over_origins_steps_and_variables(rng: np.random.Generator) -> None:
    levels = np.array([0.05, 0.5, 0.95])
    truth, scale = rng.normal(size=[5, 3, 2]), np.array([2.0, 7.0])
    forecasts = gaussian(rng.normal(size=[5, 3, 2]), levels)
    found = score(forecasts, truth, scale, 0.9)
    errors = np.abs(truth - forecasts.mean)
    assert found.mase == pytest.approx(np.mean(errors / scale))
    assert found.mase_by_step == pytest.approx(np.mean(errors / scale, (0, 2)))
    assert found.mase_by_variable == pytest.approx(np.mean(errors / scale, (0, 1)))
    assert found.mae_by_variable == pytest.approx(np.mean(errors, (0, 1)))
    assert found.coverage == pytest.approx(np.mean(errors <= stats.norm.ppf(0.95)))
    each = [
        max(level * (y - q), (level - 1.0) * (y - q))
        for level, row in zip(levels, forecasts.quantiles, strict=True)
        for y, q in zip(truth.flat, row.flat, strict=True)
    ]
    np.testing.assert_allclose(pinball(forecasts, truth).mean(), np.mean(each))


def test_crps_of_a_gaussian_approaches_the_closed_form(rng: np.random.Generator) -> None:
    """Gneiting and Raftery 2007: z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)."""
    levels = (np.arange(999) + 0.5) / 999
    truth = rng.normal(0.0, 2.0, [7, 3, 1])
    found = score(gaussian(np.zeros([7, 3, 1]), levels), truth, np.ones(1), 0.9).crps
    exact = truth * (2.0 * stats.norm.cdf(truth) - 1.0) + 2.0 * stats.norm.pdf(truth) - 1.0 / np.sqrt(np.pi)
    assert found == pytest.approx(exact.mean(), rel=5e-3)
