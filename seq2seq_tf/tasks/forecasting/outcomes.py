"""Forecasts as arrays: means and quantiles of several origins, whichever method they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LEVELS = tuple(np.round(np.arange(0.05, 0.96, 0.05), 2).tolist())  # of quantiles, where a method has a choice


class Forecasts(NamedTuple):
    """Forecasts of K steps from each of O origins."""

    mean: np.ndarray  # [O, K, V]
    levels: tuple[float, ...]  # L, ascending
    quantiles: np.ndarray  # [L, O, K, V]

    def quantile(self, level: float) -> np.ndarray:
        """Returns the quantile of a level, between two known ones by linear interpolation, [O, K, V]."""
        place = float(np.interp(level, self.levels, np.arange(len(self.levels))))
        low = min(int(place), len(self.levels) - 2)
        share = place - low
        return (1.0 - share) * self.quantiles[low] + share * self.quantiles[low + 1]

    def interval(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Returns the ends of the central interval that contains a value with this probability, each [O, K, V]."""
        tail = (1.0 - level) / 2.0
        return self.quantile(tail), self.quantile(1.0 - tail)


def with_levels(levels: Sequence[float], level: float) -> tuple[float, ...]:
    """Returns the levels with those of the ends of an interval and the median, ascending, without repetition."""
    tail = (1.0 - level) / 2.0
    return tuple(sorted({round(found, 9) for found in (*levels, tail, 0.5, 1.0 - tail)}))


class Forecast(NamedTuple):
    """A forecast of K steps of V variables."""

    mean: np.ndarray  # [K, V]
    lower: np.ndarray  # [K, V], ends of the interval that contains a value with probability `level`
    upper: np.ndarray  # [K, V]
    level: float
    quantiles: dict[float, np.ndarray]  # level -> [K, V]; 0.5 is the median
