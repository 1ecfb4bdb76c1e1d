"""What a network must beat: naive, seasonal naive and autoregressive forecasts, with their intervals.

The equations are those of Hyndman and Athanasopoulos, *Forecasting: principles and practice* (3rd ed., 5.2, 5.5, 9.3).
Errors are taken to be Gaussian, and everything is estimated from the training rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.outcomes import Forecasts


def seasonal_naive(
    values: np.ndarray,
    train: np.ndarray,
    origins: np.ndarray,
    horizon: int,
    season: int,
    levels: tuple[float, ...],
) -> Forecasts:
    """Forecasts the last value of the same season; with season=1 the last value (naive).

    The error of step k has the variance s^2 (floor((k - 1) / season) + 1), s^2 that of one season ahead.

    Args:
      values: [N, V].
      train: [M, V], the training rows, from which s is estimated.
      origins: [O], numbers of rows seen, at least `season`.
      horizon: K.
      season: m, in steps.
      levels: of the quantiles.
    """
    steps = np.arange(horizon)
    mean = values[origins[:, np.newaxis] - season + steps % season]  # [O, K, V]
    errors = train[season:] - train[:-season]
    deviation = np.sqrt(np.mean(errors**2, 0))  # [V]
    return _gaussian(mean, np.sqrt(steps // season + 1)[:, np.newaxis] * deviation, levels)


class AutoRegression(NamedTuple):
    """x_t = c + a_1 x_(t-1) + ... + a_tau x_(t-tau) + e_t for one variable, by least squares."""

    constant: float
    coefficients: np.ndarray  # [tau], that of the latest value first
    deviation: float  # of e_t

    def paths(self, histories: np.ndarray, horizon: int) -> np.ndarray:
        """Returns means [O, horizon] after histories [O, tau or more], by feeding means back."""
        known = histories[:, -len(self.coefficients) :][:, ::-1]  # the latest first
        found = []
        for _ in range(horizon):
            found.append(self.constant + known @ self.coefficients)
            known = np.concatenate([found[-1][:, np.newaxis], known[:, :-1]], 1)
        return np.stack(found, 1)

    def deviations(self, horizon: int) -> np.ndarray:
        """Returns the standard deviations [horizon] of the errors: s sqrt(1 + psi_1^2 + ... + psi_(k-1)^2).

        psi_j is the response to a shock after j steps: psi_0 = 1, psi_j = a_1 psi_(j-1) + ... + a_tau psi_(j-tau).
        """
        known = np.zeros([1, len(self.coefficients)])
        known[0, -1] = 1.0
        later = self._replace(constant=0.0).paths(known, horizon)[0]  # psi_1, psi_2, ...
        responses = np.concatenate([[1.0], later[:-1]])
        return self.deviation * np.sqrt(np.cumsum(responses**2))


def fit_autoregression(values: np.ndarray, lags: int, hold_back: int = 0) -> AutoRegression:
    """Fits an autoregression by least squares.

    Args:
      values: [N], training values.
      lags: tau, at least 1.
      hold_back: values at the beginning that are only read, at least `lags` of them: the same for all tau to compare.

    Raises:
      InputError: too few values for so many lags.
    """
    design, targets = _design(values, lags, max(lags, hold_back))
    found, _, rank, _ = np.linalg.lstsq(design, targets, rcond=None)
    if rank < design.shape[1] or len(targets) <= design.shape[1]:
        raise InputError(f"{len(values)} rows are too few, or too much alike, for an autoregression of {lags} lags")
    errors = targets - design @ found
    return AutoRegression(float(found[0]), found[1:], float(np.sqrt(np.mean(errors**2))))


def choose_lags(values: np.ndarray, most: int) -> int:
    """Returns the number of lags, 1 to `most`, with the lowest Akaike criterion on the same targets: n log s^2 + 2 tau.

    Args:
      values: [N], training values.
      most: the largest number to try; fewer if there are too few values.
    """
    most = max(1, min(most, len(values) // 3))
    count = len(values) - most
    scores = [
        count * np.log(max(fit_autoregression(values, lags, most).deviation, 1e-300) ** 2) + 2 * lags
        for lags in range(1, most + 1)
    ]
    return int(np.argmin(scores)) + 1


def _design(values: np.ndarray, lags: int, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns ones and lagged values [N - first, 1 + lags], and targets [N - first]."""
    columns = [values[first - lag : len(values) - lag] for lag in range(1, lags + 1)]
    return np.stack([np.ones(max(0, len(values) - first)), *columns], 1), values[first:]


def autoregressive(
    values: np.ndarray, models: list[AutoRegression], origins: np.ndarray, horizon: int, levels: tuple[float, ...]
) -> Forecasts:
    """Forecasts each variable from its own past.

    Args:
      values: [N, V].
      models: V, one for each variable.
      origins: [O], numbers of rows seen, at least as many as the most lags.
      horizon: K.
      levels: of the quantiles.
    """
    means, deviations = [], []
    for column, model in zip(values.T, models, strict=True):
        places = origins[:, np.newaxis] + np.arange(-len(model.coefficients), 0)
        means.append(model.paths(column[places], horizon))
        deviations.append(model.deviations(horizon))
    return _gaussian(np.stack(means, 2), np.stack(deviations, 1), levels)


def _gaussian(mean: np.ndarray, deviation: np.ndarray, levels: tuple[float, ...]) -> Forecasts:
    """Returns Gaussian forecasts of mean [O, K, V] and standard deviation [K, V]."""
    return Forecasts(mean, levels, mean + np.asarray(ndtri(levels))[:, np.newaxis, np.newaxis, np.newaxis] * deviation)
