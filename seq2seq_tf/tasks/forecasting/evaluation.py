"""Rolling-origin evaluation: a run and the simple methods forecast from the same origins of a held-out series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.baselines import (
    autoregressive,
    choose_lags,
    fit_autoregression,
    seasonal_naive,
)
from seq2seq_tf.tasks.forecasting.forecaster import Forecaster
from seq2seq_tf.tasks.forecasting.outcomes import Forecasts
from seq2seq_tf.tasks.forecasting.scores import Scores, naive_errors, score
from seq2seq_tf.tasks.forecasting.series_file import Table, calendar_dates


class Asked(NamedTuple):
    """What is evaluated."""

    train: np.ndarray  # [M, V], the rows from which simple methods and the scale of errors are estimated
    table: Table  # the series, oldest first
    first: int  # rows before the first origin
    horizon: int  # K
    stride: int  # rows from one origin to the next
    level: float  # of the intervals
    season: int
    lags: int  # of the autoregression; 0 = chosen by the Akaike criterion, up to `most_lags`
    most_lags: int


class Evaluation(NamedTuple):
    """Scores of each method on the same values."""

    origins: np.ndarray  # [O]
    lags: list[int]  # of the autoregression of each variable
    scores: dict[str, Scores]  # method -> scores


def origins_of(first: int, rows: int, horizon: int, stride: int) -> np.ndarray:
    """Returns the origins: `first`, `first` + stride, ... as long as the horizon ends within the rows."""
    return np.arange(first, rows - horizon + 1, stride)


def evaluate(forecaster: Forecaster, asked: Asked, **options: object) -> Evaluation:
    """Forecasts from every origin with every method and scores them.

    Args:
      forecaster: the run.
      asked: series and origins.
      **options: of `Forecaster.forecast`.

    Raises:
      InputError: there is no origin with enough rows before and after it.
    """
    values, horizon = asked.table.values, asked.horizon
    lags = [asked.lags or choose_lags(column, asked.most_lags) for column in asked.train.T]
    first = max(asked.first, forecaster.predictor.shortest, asked.season, *lags)
    origins = origins_of(first, len(values), horizon, asked.stride)
    if not len(origins):
        raise InputError(
            f"{asked.table.path}: {len(values):,} rows are too few for a forecast of {horizon:,} steps after {first:,} "
            "rows"
        )
    ours = rolling(forecaster, asked.table, origins, horizon, level=asked.level, **options)
    found: dict[str, Forecasts] = {"network": ours}
    for name, season in (("naive", 1), ("seasonal naive", asked.season)):
        if name == "naive" or season > 1:
            found[name] = seasonal_naive(values, asked.train, origins, horizon, season, ours.levels)
    models = [fit_autoregression(column, tau) for column, tau in zip(asked.train.T, lags, strict=True)]
    found["autoregression"] = autoregressive(values, models, origins, horizon, ours.levels)
    truth = values[origins[:, np.newaxis] + np.arange(horizon)]  # [O, K, V]
    scale = naive_errors(asked.train, asked.season, forecaster.names)
    return Evaluation(origins, lags, {name: score(each, truth, scale, asked.level) for name, each in found.items()})


def rolling(forecaster: Forecaster, table: Table, origins: np.ndarray, horizon: int, **options: object) -> Forecasts:
    """Returns a run's forecasts from several origins of a file; see `Forecaster.rolling`.

    Raises:
      InputError: the run reads the calendar, and the file has no dates or they are not evenly spaced.
    """
    dates = calendar_dates(table, forecaster.config, horizon)
    return forecaster.rolling(table.values, dates, origins.tolist(), horizon, **options)
