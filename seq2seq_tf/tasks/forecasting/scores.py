"""Scores of forecasts: mean absolute scaled error, coverage of the intervals, continuous ranked probability score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.outcomes import Forecasts


class Scores(NamedTuple):
    """How good forecasts were, over all origins."""

    mase: float  # mean over variables, origins and steps
    crps: float  # the same mean, in the same unit
    coverage: float  # share of the values in their intervals; ideally the level
    mase_by_step: list[float]  # K
    mase_by_variable: list[float]  # V
    mae_by_variable: list[float]  # V, in the unit of each variable


def naive_errors(train: np.ndarray, season: int, names: tuple[str, ...]) -> np.ndarray:
    """Returns the mean absolute error of the (seasonal) naive forecast in the training rows, [V]: the unit of MASE.

    Args:
      train: [N, V].
      season: m, in steps; 1 = the last value.
      names: of the variables, for the message.

    Raises:
      InputError: there are too few rows, or a variable has no such error.
    """
    if len(train) <= season:
        raise InputError(f"data.season={season} needs more than {len(train):,} training rows")
    errors = np.mean(np.abs(train[season:] - train[:-season]), 0)
    for name, error in zip(names, errors, strict=True):
        if not error > 0:
            raise InputError(f"column {name!r} repeats itself exactly after {season} steps: its errors have no scale")
    return errors


def pinball(forecasts: Forecasts, truth: np.ndarray) -> np.ndarray:
    """Returns the mean over levels of max(level * e, (level - 1) * e), e = truth - quantile; [O, K, V]."""
    levels = np.asarray(forecasts.levels)[:, np.newaxis, np.newaxis, np.newaxis]
    errors = truth - forecasts.quantiles  # [L, O, K, V]
    return np.maximum(levels * errors, (levels - 1.0) * errors).mean(0)


def score(forecasts: Forecasts, truth: np.ndarray, scale: np.ndarray, level: float) -> Scores:
    """Scores forecasts.

    MASE is the mean of |truth - median| / scale (Hyndman and Koehler 2006); the median is the forecast with the least
    absolute error. CRPS is twice the mean pinball loss over the levels (Gneiting and Raftery 2007), divided by the same
    scale; methods must have the same levels to be compared.

    Args:
      forecasts: [O, K, V].
      truth: [O, K, V].
      scale: [V], from `naive_errors`.
      level: of the intervals.
    """
    errors = np.abs(truth - forecasts.quantile(0.5))  # [O, K, V]
    lower, upper = forecasts.interval(level)
    scaled = errors / scale
    return Scores(
        float(scaled.mean()),
        float((2.0 * pinball(forecasts, truth) / scale).mean()),
        float(((truth >= lower) & (truth <= upper)).mean()),
        scaled.mean((0, 2)).tolist(),
        scaled.mean((0, 1)).tolist(),
        errors.mean((0, 1)).tolist(),
    )
