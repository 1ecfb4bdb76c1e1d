"""The traced functions of a model, and forecasts from raw series: from windows, or step by step with carried state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.forks import check_not_forked
from seq2seq_tf.structures import CellStates
from seq2seq_tf.tasks.forecasting.config import ForecastConfig
from seq2seq_tf.tasks.forecasting.model import Forecasting
from seq2seq_tf.tasks.forecasting.outcomes import LEVELS, Forecasts, with_levels
from seq2seq_tf.tasks.forecasting.windows import Series, excerpts
from seq2seq_tf.tracing import trace

_ROWS = 1024  # windows computed in parallel; bounds memory
_PATHS = 8192  # paths rolled forward in parallel
_STEPS = 256  # steps of a series read per call
_GRID = 2**23  # uniform numbers are (k + 1/2) / 2^23: never 0 or 1, and exact in float32


class Reading(NamedTuple):
    """What was read of a series (predicts=step): enough to read on, or to forecast."""

    cells: CellStates  # each [B, H]
    recent: np.ndarray  # [B, D, V] float64: the last D = model.difference raw values, fewer at the beginning
    params: np.ndarray  # [B, V, P] float32: the distribution of the next value; [B, V, 0] before there is one


class Predictor:
    """Forecasts of a model; each function is traced once, for any size.

    Args:
      model: already built.
      window: steps read before a forecast with predicts=horizon.
    """

    def __init__(self, model: Forecasting, window: int) -> None:
        self.model = model
        self.window = window
        self.variables = len(model.scaling.names)
        self.states = carry_spec(model)
        values = tf.TensorSpec([None, None, self.variables], tf.float64)
        calendar = tf.TensorSpec([None, None, 2 * len(model.config.cycles)])
        params = tf.TensorSpec([None, self.variables, model.distribution.parameters])
        uniforms = tf.TensorSpec([None, None, self.variables])
        self._at_end = trace(model.at_end, [values, calendar])
        self._at_every_step = trace(model.at_every_step, [values, calendar, self.states])
        self._roll: dict[str, Callable[..., Any]] = {
            feed: trace(partial(model.roll, sample=feed == "samples"), [params, self.states, calendar, uniforms])
            for feed in ("samples", "mean")
        }

    @property
    def shortest(self) -> int:
        """The fewest values from which a forecast can be made."""
        config = self.model.config
        return config.difference + (self.window if config.predicts == "horizon" else 1)

    def rolling(self, series: Series, origins: np.ndarray, horizon: int, options: ForecastConfig) -> Forecasts:
        """Forecasts from several origins of one series; each uses only the values before it.

        Args:
          series: of N rows; with a calendar that reaches to the last step forecast.
          origins: [O], ascending: numbers of rows seen, at least `shortest`.
          horizon: K.
          options: of the forecasts.
        """
        check_not_forked()
        levels = with_levels(LEVELS, options.level)
        if self.model.config.predicts == "horizon":
            return self._from_windows(series, origins, horizon, levels)
        readings = self._readings(series, origins)
        # Beside each value fed back, the phases of the date after it; those beside the last one are not used.
        places = np.minimum(origins[:, np.newaxis] + np.arange(horizon), len(series.calendar) - 1)
        return self.rolled(readings, series.calendar[places], horizon, options)

    # --- Many to one ---

    def _from_windows(self, series: Series, origins: np.ndarray, horizon: int, levels: tuple[float, ...]) -> Forecasts:
        steps = self.model.config.difference
        parts = []
        for at in range(0, len(origins), _ROWS):
            starts = origins[at : at + _ROWS] - self.window
            parts.append(self._at_end(*excerpts(series, starts, self.window, steps, 0)).numpy())
        params = np.concatenate(parts)[:, :horizon]  # [O, K, V, P]
        if not steps:
            return self._described(params, 0.0, levels)
        places = origins[:, np.newaxis] - steps + np.arange(horizon) % steps  # as in `Forecasting.bases`
        return self._described(params, series.values[places], levels)

    def _described(self, params: np.ndarray, base: np.ndarray | float, levels: tuple[float, ...]) -> Forecasts:
        """Returns what distributions [O, K, V, P] of changes from a base [O, K, V] say about raw numbers."""
        distribution, raw, params = self.model.distribution, self.model.scaling, tf.constant(params)
        if self.model.config.distribution == "quantile":  # nothing is known beyond the outermost
            outer = self.model.config.levels
            levels = tuple(level for level in levels if outer[0] - 1e-9 <= level <= outer[-1] + 1e-9)
        z = [distribution.inverse(params, np.full(params.shape[:-1], level, np.float32)).numpy() for level in levels]
        base = base + raw.mean
        return Forecasts(base + raw.scale * distribution.mean(params).numpy(), levels, base + raw.scale * np.stack(z))

    # --- Many to many, step by step ---

    def start(self) -> Reading:
        """Returns the state before the first value of a series."""
        cells = tf.nest.map_structure(lambda spec: np.zeros([1, spec.shape[1]], np.float32), self.states)
        return Reading(cells, np.zeros([1, 0, self.variables]), np.zeros([1, self.variables, 0], np.float32))

    def observe(self, reading: Reading, series: Series) -> Reading:
        """Reads the rows of a series that follow those read before."""
        check_not_forked()
        difference = self.model.config.difference
        for at in range(0, len(series.values), _STEPS):
            rows, calendar = series.values[at : at + _STEPS], series.calendar[at : at + _STEPS]
            known = np.concatenate([reading.recent, rows[np.newaxis]], 1)  # [1, D + T, V]
            steps = known.shape[1] - difference
            cells, params = reading.cells, reading.params
            if steps > 0:
                found, cells = self._at_every_step(known, calendar[np.newaxis, len(rows) - steps :], cells)
                params = found[:, -1].numpy()
            reading = Reading(cells, known[:, max(steps, 0) :] if difference else known[:, :0], params)
        return reading

    def _readings(self, series: Series, origins: np.ndarray) -> Reading:
        """Returns the readings at all origins, [O] rows, of one pass over the series."""
        reading, found = self.start(), []
        for begin, end in zip((0, *origins[:-1]), origins, strict=True):
            reading = self.observe(reading, Series(series.values[begin:end], series.calendar[begin:end]))
            found.append(reading)
        cells = tf.nest.map_structure(lambda *states: np.concatenate(states), *(each.cells for each in found))
        return Reading(cells, *(np.concatenate([getattr(e, name) for e in found]) for name in ("recent", "params")))

    def rolled(self, readings: Reading, calendar: np.ndarray, horizon: int, options: ForecastConfig) -> Forecasts:
        """Feeds predictions back from several readings.

        Args:
          readings: of O series, or of one at O origins.
          calendar: [O, K, C], beside each value fed back.
          horizon: K.
          options: of the forecasts.
        """
        levels = with_levels(LEVELS, options.level)
        if options.feed == "mean":
            uniforms = np.full([len(readings.params), horizon, self.variables], 0.5, np.float32)
            z, params = (x.numpy() for x in self._roll["mean"](readings.params, readings.cells, calendar, uniforms))
            raw = self.model.scaling
            base = self._raw(z, readings.recent) - raw.mean - raw.scale * z  # from which each step's change is counted
            return self._described(params, base, levels)
        # The same for each origin, which is alone in its batch, and by step, so that a longer horizon begins the same.
        drawn = np.random.default_rng(options.seed).integers(_GRID, size=[horizon, options.samples, self.variables])
        uniforms = ((drawn.transpose([1, 0, 2]) + 0.5) / _GRID).astype(np.float32)
        at_once = max(1, _PATHS // options.samples)
        parts = [
            self._summary(_rows_of(readings, part), calendar[part], uniforms, levels)
            for part in (slice(at, at + at_once) for at in range(0, len(readings.params), at_once))
        ]
        mean, quantiles = zip(*parts, strict=True)
        return Forecasts(np.concatenate(mean), levels, np.concatenate(quantiles, 1))

    def _summary(
        self, readings: Reading, calendar: np.ndarray, uniforms: np.ndarray, levels: tuple[float, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns mean [O, K, V] and quantiles [L, O, K, V] over the paths that uniforms [S, K, V] draw."""
        rows, count = len(readings.params), len(uniforms)
        repeated = tf.nest.map_structure(lambda x: np.repeat(x, count, 0), (readings.params, readings.cells, calendar))
        z = self._roll["samples"](*repeated, np.tile(uniforms, [rows, 1, 1])).z.numpy()  # [O * S, K, V]
        paths = self._raw(z, np.repeat(readings.recent, count, 0)).reshape([rows, count, *z.shape[1:]])
        return paths.mean(1), np.quantile(paths, levels, 1)

    def _raw(self, z: np.ndarray, recent: np.ndarray) -> np.ndarray:
        """Returns raw values [N, K, V] of steps in the network's unit, after the last D raw values [N, D, V]."""
        raw, steps = self.model.scaling, recent.shape[1]
        changes = raw.mean + raw.scale * z.astype(np.float64)
        if not steps:
            return changes
        values = np.concatenate([recent, changes], 1)
        for k in range(steps, values.shape[1]):
            values[:, k] += values[:, k - steps]
        return values[:, steps:]


def _rows_of(readings: Reading, part: slice) -> Reading:
    return Reading(*tf.nest.map_structure(lambda x: x[part], tuple(readings)))


def carry_spec(model: Forecasting) -> Any:
    """Returns the TensorSpecs of the state of a model, [B, H] each."""
    return tuple(tuple(tf.TensorSpec([None, cell.units]) for _ in range(cell.states)) for cell in model.cells)
