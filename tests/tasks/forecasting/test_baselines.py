"""The simple methods equal their definitions, and autoregressions those of statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.tsa.ar_model import AutoReg, ar_select_order

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.baselines import (
    AutoRegression,
    autoregressive,
    choose_lags,
    fit_autoregression,
    seasonal_naive,
)


def cycles(rng: np.random.Generator, rows: int = 101) -> np.ndarray:
    """Returns an autoregression of two lags with a constant."""
    values = [30.0, 31.0]
    for error in rng.normal(0.0, 1.0, rows - 2):
        values.append(20.0 + 1.2 * values[-1] - 0.7 * values[-2] + error)
    return np.array(values)


@pytest.mark.parametrize("season", [1, 3])
def test_a_naive_forecast_repeats_the_last_season_and_its_errors_grow(season: int, rng: np.random.Generator) -> None:
    values, train = rng.normal(size=[31, 2]), rng.normal(size=[23, 2])
    levels, origins = (0.05, 0.5, 0.9), np.array([5, 17])
    found = seasonal_naive(values, train, origins, 7, season, levels)
    deviation = np.sqrt(np.mean([(train[t] - train[t - season]) ** 2 for t in range(season, 23)], 0))
    for n, origin in enumerate(origins):
        for k in range(1, 8):
            last = max(t for t in range(origin) if (origin + k - 1 - t) % season == 0)
            growth = np.sqrt((k - 1) // season + 1)
            np.testing.assert_array_equal(found.mean[n, k - 1], values[last])
            wanted = [stats.norm.ppf(level, values[last], growth * deviation) for level in levels]
            np.testing.assert_allclose(found.quantiles[:, n, k - 1], wanted)


@pytest.mark.parametrize("lags", [1, 2, 7])
def test_an_autoregression_is_that_of_statsmodels(lags: int, rng: np.random.Generator) -> None:
    values = cycles(rng)
    ours, theirs = fit_autoregression(values, lags), AutoReg(values, lags, trend="c").fit()
    np.testing.assert_allclose([ours.constant, *ours.coefficients], theirs.params, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.deviation, np.sqrt(theirs.sigma2), rtol=1e-6)
    predicted = theirs.get_prediction(len(values), len(values) + 10)
    np.testing.assert_allclose(ours.paths(values[np.newaxis], 11)[0], predicted.predicted_mean, rtol=1e-6)
    np.testing.assert_allclose(ours.deviations(11), predicted.se_mean, rtol=1e-6)


def test_the_number_of_lags_is_that_of_statsmodels(rng: np.random.Generator) -> None:
    for n in range(5):
        values = cycles(np.random.default_rng(rng.integers(2**31) + n))
        selected = ar_select_order(values, 9, ic="aic", trend="c").ar_lags
        assert choose_lags(values, 9) == (len(selected) if selected else 1)


def test_every_origin_and_variable_has_its_own_past(rng: np.random.Generator) -> None:
    values = np.stack([cycles(rng), cycles(rng)], 1)
    models = [fit_autoregression(values[:60, 0], 3), fit_autoregression(values[:60, 1], 5)]
    found = autoregressive(values, models, np.array([60, 77]), 4, (0.1, 0.5))
    for n, origin in enumerate((60, 77)):
        for v, model in enumerate(models):
            path = model.paths(values[np.newaxis, :origin, v], 4)[0]
            np.testing.assert_allclose(found.mean[n, :, v], path)
            np.testing.assert_allclose(found.quantiles[0, n, :, v], stats.norm.ppf(0.1, path, model.deviations(4)))


def test_a_constant_has_no_deviation_to_accumulate() -> None:
    assert AutoRegression(5.0, np.array([0.0]), 2.0).deviations(3).tolist() == [2.0, 2.0, 2.0]
    assert AutoRegression(0.0, np.array([1.0]), 2.0).deviations(3) == pytest.approx([2.0, 8**0.5, 12**0.5])


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="7 rows are too few, or too much alike, for an autoregression of 5 lags"):
        fit_autoregression(np.arange(7.0), 5)
