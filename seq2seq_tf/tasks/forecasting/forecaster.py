"""Forecasting with a trained run: the Python API, used by the programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from seq2seq_tf.config.call_options import checked_options
from seq2seq_tf.errors import InputError
from seq2seq_tf.forks import check_not_forked
from seq2seq_tf.tasks.forecasting.config import ForecastConfig, ForecastingConfig, check_level
from seq2seq_tf.tasks.forecasting.model import Forecasting
from seq2seq_tf.tasks.forecasting.outcomes import Forecast, Forecasts
from seq2seq_tf.tasks.forecasting.predictor import Predictor, Reading
from seq2seq_tf.tasks.forecasting.scaling import Scaling, load_scaling
from seq2seq_tf.tasks.forecasting.time_axis import extended, parse_dates
from seq2seq_tf.tasks.forecasting.windows import series_of
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import IN_TRAINING, load_weights, outline


def build_model(config: ForecastingConfig, scaling: Scaling) -> Forecasting:
    """Returns the network of a run with initial weights."""
    model = Forecasting(config.model, scaling, precision=config.train.precision)
    model.build()
    return model


class Forecaster:
    """Model and scales of one run. A forecast depends only on the history that it is given."""

    def __init__(self, model: Forecasting, config: ForecastingConfig) -> None:
        self.model = model
        self.config = config
        self.names: tuple[str, ...] = model.scaling.names
        self.predictor = Predictor(model, config.data.window)
        self.weights = IN_TRAINING

    def __repr__(self) -> str:
        """Returns which run this is, and the cells and sizes of its network."""
        model = self.config.model
        counts = f"{len(self.names):,} variable{'s' * (len(self.names) > 1)}, {model.horizon:,} steps ahead"
        return outline("Forecaster", self.weights, self.model, model.cell, counts)

    @classmethod
    def load(cls, model_dir: str) -> Forecaster:
        """Loads a run folder: its final weights, or the best so far if training has not finished.

        Raises:
          InputError: not the folder of a forecasting run, no weights yet, weights damaged or of another model.
        """
        check_not_forked()
        run = RunDir(model_dir)
        config = run.load_config(ForecastingConfig)
        model = build_model(config, load_scaling(run))
        weights = load_weights(run, model)
        loaded = cls(model, config)
        loaded.weights = weights
        return loaded

    def options(self, **options: Any) -> ForecastConfig:
        """Returns the run's options of a forecast with these replaced, checked as in a configuration file."""
        forecast = self.config.forecast
        chosen = dataclasses.replace(forecast, **checked_options("forecast", type(forecast), options))
        check_level(self.config.model, chosen.level)
        return chosen

    def forecast(
        self, history: Any, horizon: int | None = None, *, times: Sequence[Any] | None = None, **options: Any
    ) -> Forecast:
        """Forecasts the values after a history.

        Args:
          history: raw numbers, the oldest first: [N, V], columns as in `names`, or [N] if there is one variable.
          horizon: K, number of steps; `model.horizon` of the run by default and, with predicts=horizon, at most.
          times: for a run with `model.calendar`: the N dates of the history, as strings (ISO 8601) or datetimes.
          **options: fields of ForecastConfig (level, feed, samples, seed); the run's configuration gives the defaults.

        Returns:
          mean and interval of each step.

        Raises:
          InputError: numbers are missing or too few, dates are missing or uneven, an option is unknown or out of range.
        """
        values, steps = self.checked(history), self.horizon(horizon)
        dates = None
        if self._needs_dates(times):
            dates = extended(_dates(times, len(values)), steps, "times")
        found = self.rolling(values, dates, [len(values)], steps, **options)
        return _first(found, self.options(**options).level)

    def rolling(
        self, values: np.ndarray, dates: np.ndarray | None, origins: Sequence[int], horizon: int, **options: Any
    ) -> Forecasts:
        """Forecasts from several origins of one series; each uses only the values before it.

        Args:
          values: [N, V], raw.
          dates: for a run with `model.calendar`: of all values and of the steps to forecast after them.
          origins: [O], ascending: numbers of values seen.
          horizon: K, number of steps.
          **options: see `forecast`.

        Raises:
          InputError: see `forecast`.
        """
        chosen = self.options(**options)
        if origins[0] < self.predictor.shortest:
            raise InputError(f"a forecast needs at least {self.predictor.shortest} values of history, got {origins[0]}")
        series = series_of(values, dates, self.config.model.cycles)
        return self.predictor.rolling(series, np.asarray(origins), horizon, chosen)

    # --- Step by step ---

    def observe(self, values: Any, reading: Reading | None = None, *, times: Sequence[Any] | None = None) -> Reading:
        """Reads the next values of a series (predicts=step); all at once gives the same as one after the other.

        Args:
          values: [N, V], or [N] if there is one variable, raw.
          reading: what was read before; None at the beginning.
          times: for a run with `model.calendar`: N + 1 dates, of the values and of the step after them.

        Raises:
          InputError: see `forecast`; or the run has predicts=horizon, which keeps nothing between forecasts.
        """
        predicts = self.config.model.predicts
        if predicts != "step":
            raise InputError(f"this run reads windows (model.predicts={predicts}); only model.predicts=step reads on")
        found = self.checked(values)
        dates = _dates(times, len(found) + 1) if self._needs_dates(times) else None
        return self.predictor.observe(
            reading or self.predictor.start(), series_of(found, dates, self.config.model.cycles)
        )

    def forecast_from(
        self, reading: Reading, horizon: int | None = None, *, times: Sequence[Any] | None = None, **options: Any
    ) -> Forecast:
        """Forecasts the values after those that were read.

        Args:
          reading: from `observe`.
          horizon: K, number of steps.
          times: for a run with `model.calendar`: the dates of the K steps.
          **options: see `forecast`.

        Raises:
          InputError: see `forecast`.
        """
        if not reading.params.shape[2]:
            raise InputError(f"a forecast needs at least {self.predictor.shortest} values of history")
        steps, chosen = self.horizon(horizon), self.options(**options)
        dates = _dates(times, steps) if self._needs_dates(times) else None
        ahead = series_of(np.zeros([steps, len(self.names)]), dates, self.config.model.cycles).calendar
        places = np.minimum(np.arange(steps), max(len(ahead) - 1, 0))  # the last is not used
        calendar = ahead[places] if len(ahead) else np.zeros([steps, 2 * len(self.config.model.cycles)], np.float32)
        return _first(self.predictor.rolled(reading, calendar[np.newaxis], steps, chosen), chosen.level)

    # --- Checks ---

    def checked(self, values: Any) -> np.ndarray:
        """Returns raw numbers as [N, V] float64; raises InputError if they are not finite numbers of this shape."""
        names = self.names
        try:
            found = np.asarray(values, np.float64)
        except (TypeError, ValueError):
            raise InputError(f"expected numbers, [N, {len(names)}], got {type(values).__name__}") from None
        if found.ndim == 1 and len(names) == 1:
            found = found[:, np.newaxis]
        if found.ndim != 2 or found.shape[1] != len(names):
            raise InputError(f"expected {len(names)} columns ({', '.join(names)}), got an array {list(found.shape)}")
        if not np.isfinite(found).all():
            row, column = np.argwhere(~np.isfinite(found))[0]
            raise InputError(f"row {row}, column {names[column]!r}: expected a number, got {found[row, column]}")
        return found

    def horizon(self, horizon: int | None) -> int:
        """Returns the number of steps to forecast; raises InputError if the run cannot forecast that many."""
        model = self.config.model
        if horizon is None:
            return model.horizon
        if not isinstance(horizon, Integral) or isinstance(horizon, bool) or horizon < 1:
            raise InputError(f"horizon must be a whole number of at least 1, got {horizon!r}")
        if model.predicts == "horizon" and horizon > model.horizon:
            raise InputError(f"horizon={horizon}: this run predicts at most model.horizon={model.horizon} steps")
        return int(horizon)

    def _needs_dates(self, times: Sequence[Any] | None) -> bool:
        model = self.config.model
        if model.cycles and times is None:
            raise InputError(f"times are missing: this run reads the calendar (model.calendar={model.calendar})")
        return bool(model.cycles)


def _dates(times: Any, count: int) -> np.ndarray:
    dates = parse_dates(times)
    if len(dates) != count:
        raise InputError(f"expected {count} times, got {len(dates)}")
    return dates


def _first(found: Forecasts, level: float) -> Forecast:
    lower, upper = found.interval(level)
    by_level = dict(zip(found.levels, found.quantiles[:, 0], strict=True))
    return Forecast(found.mean[0], lower[0], upper[0], level, by_level)
