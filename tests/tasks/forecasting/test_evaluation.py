"""Every method forecasts the same values, each from the rows before it; simple methods know only the training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.baselines import seasonal_naive
from seq2seq_tf.tasks.forecasting.evaluation import Asked, evaluate, origins_of
from seq2seq_tf.tasks.forecasting.scores import naive_errors, score
from seq2seq_tf.tasks.forecasting.series_file import Table
from tests import series_runs


def asked(rng: np.random.Generator, **changes: Any) -> Asked:
    values = rng.normal(series_runs.SCALING.mean, series_runs.SCALING.scale, [61, 2])
    table = Table("x.csv", ("a", "b"), values, None)
    first = Asked(values[:43], table, first=43, horizon=3, stride=4, level=0.9, season=2, lags=2, most_lags=7)
    return first._replace(**changes)


def test_origins_end_where_the_horizon_reaches_the_last_row() -> None:
    assert origins_of(43, 61, 3, 4).tolist() == [43, 47, 51, 55]
    assert origins_of(58, 61, 3, 1).tolist() == [58]
    assert origins_of(59, 61, 3, 1).tolist() == []


@pytest.mark.parametrize("predicts", ["horizon", "step"])
def test_scores_are_those_of_forecasts_one_by_one(predicts: str, rng: np.random.Generator) -> None:
    made, what = series_runs.forecaster(rng, model__predicts=predicts), asked(rng)
    found, values = evaluate(made, what), what.table.values
    assert found.origins.tolist() == [43, 47, 51, 55]
    assert list(found.scores) == ["network", "naive", "seasonal naive", "autoregression"]
    scale = naive_errors(what.train, 2, ("a", "b"))
    errors = [
        np.abs(values[origin : origin + 3] - made.forecast(values[:origin]).quantiles[0.5]) / scale
        for origin in found.origins
    ]
    assert found.scores["network"].mase == pytest.approx(np.mean(errors), rel=1e-4)
    truth = values[found.origins[:, np.newaxis] + np.arange(3)]
    naive = seasonal_naive(values, what.train, found.origins, 3, 2, (0.05, 0.5, 0.95))
    assert found.scores["seasonal naive"].mase == pytest.approx(score(naive, truth, scale, 0.9).mase)


def test_without_a_season_there_is_no_seasonal_forecast(rng: np.random.Generator) -> None:
    found = evaluate(series_runs.forecaster(rng), asked(rng, season=1, lags=0))
    assert list(found.scores) == ["network", "naive", "autoregression"]
    assert all(1 <= lags <= 7 for lags in found.lags)


def test_too_few_rows_are_one_line(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="x.csv: 61 rows are too few for a forecast of 3 steps after 59 rows"):
        evaluate(series_runs.forecaster(rng), asked(rng, first=59))
