"""Forecasts follow from the network's distributions; step by step with carried state equals the whole at once."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.tasks.forecasting.config import ForecastConfig
from seq2seq_tf.tasks.forecasting.model import Forecasting
from seq2seq_tf.tasks.forecasting.outcomes import Forecasts
from seq2seq_tf.tasks.forecasting.predictor import Predictor
from seq2seq_tf.tasks.forecasting.windows import Series
from tests.series_runs import SCALING, make_model

N, V, WINDOW = 23, 2, 5
OPTIONS = ForecastConfig(samples=23, seed=5)
CONFIGS: list[dict[str, Any]] = [
    {"predicts": "step", "difference": 2, "calendar": "year", "cell": "gru", "layers": 2},
    {"predicts": "step", "distribution": "quantile"},
    {"predicts": "horizon", "difference": 2, "calendar": "year", "cell": "rnn"},
    {"predicts": "horizon", "distribution": "quantile"},
]
GAUSSIAN_STEPS, QUANTILE_STEPS = 0, 1
BY_STEP = (GAUSSIAN_STEPS, QUANTILE_STEPS)
every_predictor = pytest.mark.parametrize("number", range(len(CONFIGS)))
every_step_predictor = pytest.mark.parametrize("number", BY_STEP)

pytestmark = pytest.mark.usefixtures("seed")


@functools.cache
def made(number: int) -> Predictor:
    """Returns a predictor of random weights; tracing its functions takes longer than all that the tests compute."""
    return Predictor(make_model(np.random.default_rng(number), **CONFIGS[number]), WINDOW)


def draw(model: Forecasting, rng: np.random.Generator, more: int = 3) -> Series:
    calendar = rng.normal(0.0, 1.0, [N + more, 2 * len(model.config.cycles)]).astype(np.float32)
    return Series(rng.normal(SCALING.mean, SCALING.scale, [N, V]), calendar)


def first_rows(series: Series, rows: int, more: int = 3) -> Series:
    return Series(series.values[:rows], series.calendar[: rows + more])


def assert_same(found: Forecasts, expected: Forecasts) -> None:
    assert found.levels == expected.levels
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(found.quantiles, expected.quantiles, rtol=1e-4, atol=1e-3)


@every_predictor
def test_an_origin_sees_only_what_is_before_it_and_is_alone_in_its_batch(number: int, rng: np.random.Generator) -> None:
    predictor = made(number)
    series = draw(predictor.model, rng)
    origins = np.array([7, 8, 19, N])
    together = predictor.rolling(series, origins, 3, OPTIONS)
    for n, origin in enumerate(origins):
        alone = predictor.rolling(first_rows(series, origin), np.array([origin]), 3, OPTIONS)
        assert_same(Forecasts(together.mean[n : n + 1], together.levels, together.quantiles[:, n : n + 1]), alone)


@every_step_predictor
def test_step_by_step_with_carried_state_equals_the_whole_at_once(number: int, rng: np.random.Generator) -> None:
    predictor = made(number)
    model = predictor.model
    series = draw(model, rng, 0)
    whole = predictor.observe(predictor.start(), series)
    for sizes in ([1] * N, [7, 1, 11, N - 19]):
        reading, at = predictor.start(), 0
        for size in sizes:
            part = Series(series.values[at : at + size], series.calendar[at : at + size])
            reading, at = predictor.observe(reading, part), at + size
            if len(sizes) == N or at <= model.config.difference:
                continue
            params, _ = model.at_every_step(  # of all rows so far, in one call
                tf.constant(series.values[np.newaxis, :at]),
                tf.constant(series.calendar[np.newaxis, model.config.difference : at]),
                model.initial_carry(1),
            )
            np.testing.assert_allclose(reading.params, params[:, -1], atol=2e-5)
        np.testing.assert_allclose(reading.params, whole.params, atol=2e-5)
        np.testing.assert_array_equal(reading.recent, whole.recent)
        for mine, theirs in zip(tf.nest.flatten(reading.cells), tf.nest.flatten(whole.cells), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=2e-5)


@pytest.mark.parametrize("number", [2, 3])
def test_a_window_gives_raw_numbers_of_the_distributions(number: int, rng: np.random.Generator) -> None:
    predictor = made(number)
    model = predictor.model
    series = draw(model, rng)
    found = predictor.rolling(series, np.array([N]), 3, OPTIONS)
    d = model.config.difference
    rows = slice(N - WINDOW - d, N)
    params = model.at_end(series.values[np.newaxis, rows], series.calendar[np.newaxis, N - WINDOW : N])
    base = [series.values[N - d + k % d] if d else np.zeros(V) for k in range(3)]
    mean = model.distribution.mean(params)[0].numpy()
    np.testing.assert_allclose(found.mean[0], base + SCALING.mean + SCALING.scale * mean, rtol=1e-5, atol=1e-4)
    for level, quantile in zip(found.levels, found.quantiles, strict=True):
        z = model.distribution.inverse(params, tf.fill(params.shape[:-1], np.float32(level)))[0].numpy()
        np.testing.assert_allclose(quantile[0], base + SCALING.mean + SCALING.scale * z, rtol=1e-5, atol=1e-4)
    outer = (0.05, 0.95)
    assert found.levels[:: len(found.levels) - 1] == outer


@pytest.mark.slow
@every_step_predictor
def test_feeding_back_the_mean_equals_observing_it(number: int, rng: np.random.Generator) -> None:
    """Each mean is read like a value that was observed, and the next one predicted from that."""
    predictor = made(number)
    series = draw(predictor.model, rng, 9)
    found = predictor.rolling(series, np.array([N]), 7, ForecastConfig(feed="mean"))
    values = series.values
    for k in range(7):
        one = predictor.rolling(Series(values, series.calendar), np.array([N + k]), 1, ForecastConfig(feed="mean"))
        np.testing.assert_allclose(found.mean[0, k], one.mean[0, 0], rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(found.quantiles[:, 0, k], one.quantiles[:, 0, 0], rtol=1e-4, atol=1e-3)
        values = np.concatenate([values, one.mean[0]])


@pytest.mark.slow
def test_paths_of_samples_have_the_distribution_of_the_first_step(rng: np.random.Generator) -> None:
    predictor = made(GAUSSIAN_STEPS)
    series = draw(predictor.model, rng)
    sampled = predictor.rolling(series, np.array([N]), 1, ForecastConfig(samples=4000))
    exact = predictor.rolling(series, np.array([N]), 1, ForecastConfig(feed="mean"))
    spread = exact.quantile(0.95) - exact.quantile(0.05)
    assert (np.abs(sampled.mean - exact.mean) < 0.05 * spread).all()
    assert (np.abs(sampled.quantiles - exact.quantiles) < 0.08 * spread).all()


def test_the_same_seed_gives_the_same_paths_and_another_one_others(rng: np.random.Generator) -> None:
    predictor = made(GAUSSIAN_STEPS)
    series = draw(predictor.model, rng)
    first, again, other = (
        predictor.rolling(series, np.array([N]), 3, ForecastConfig(samples=11, seed=seed)).mean for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_more_paths_than_fit_at_once_give_the_same(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = made(GAUSSIAN_STEPS)
    series = draw(predictor.model, rng)
    whole = predictor.rolling(series, np.array([11, 17, N]), 3, OPTIONS)
    for name in ("_PATHS", "_STEPS", "_ROWS"):
        monkeypatch.setattr(f"seq2seq_tf.tasks.forecasting.predictor.{name}", 2)
    assert_same(predictor.rolling(series, np.array([11, 17, N]), 3, OPTIONS), whole)
