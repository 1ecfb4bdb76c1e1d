"""Forecasting as a task: from a CSV file to windows or chunks of its rows, model and held-out scores.

The file is read at each start; its checksum is kept, so that a run never continues with other numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq_tf.data.batching import plan_chunks
from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.gradient_watch import SEQUENCES, STEPS, GradientWatch
from seq2seq_tf.structures import CellStates
from seq2seq_tf.tasks.forecasting.config import ForecastingConfig
from seq2seq_tf.tasks.forecasting.forecaster import build_model
from seq2seq_tf.tasks.forecasting.model import Forecasting, SeriesBatch
from seq2seq_tf.tasks.forecasting.predictor import carry_spec
from seq2seq_tf.tasks.forecasting.recording import reference_copy, series_batch
from seq2seq_tf.tasks.forecasting.scaling import load_scaling, scaling_of, write_scaling
from seq2seq_tf.tasks.forecasting.series_file import Split, Table, calendar_dates, read_series, split_rows
from seq2seq_tf.tasks.forecasting.windows import Series, excerpts, plan_windows, row_starts, series_of
from seq2seq_tf.tracing import trace
from seq2seq_tf.training.init_from import take_over_tokenizers
from seq2seq_tf.training.prepared import check_prepared, seal_prepared
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.task import EpochPlan, GradientCurves
from seq2seq_tf.training.tokenizers import has_bound_tokenizers

_SCORED = 256  # windows, or steps, scored together


class ForecastingTask:
    """Implements `training.task.Task`.

    With predicts=horizon an epoch is all windows of the training rows, in random order. With predicts=step it reads the
    training rows from `train.batch_size` places in parallel, `data.window` steps per batch, and carries the state over.

    Args:
      config: options of the run.
      series: all rows.
      split: which of them are held out.
      model: already built.
    """

    def __init__(self, config: ForecastingConfig, series: Series, split: Split, model: Forecasting) -> None:
        self.config = config
        self.series = series
        self.split = split
        self.model = model
        self._by_step = config.model.predicts == "step"
        self.carry_spec: Any = carry_spec(model) if self._by_step else ()
        variables, calendar = series.values.shape[1], series.calendar.shape[1]
        self.batch_spec = SeriesBatch(
            tf.TensorSpec([None, None, variables], tf.float64), tf.TensorSpec([None, None, calendar])
        )
        self._losses = trace(self._held_out, [self.batch_spec, self.carry_spec])
        self._watch: GradientWatch | None = None

    def _held_out(self, batch: SeriesBatch, carry: Any) -> tuple[tf.Tensor, Any]:
        losses, carry = self.model.losses(batch, carry, dropout_seed=None)
        return tf.reduce_sum(losses, [0, 2]), carry  # by step

    @property
    def _first(self) -> int:
        """The first row that can be read: those before it are only counted from."""
        return self.config.model.difference

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the batches of an epoch: arrays of the first rows that windows read; or (start, stop) of chunks."""
        data, model, train = self.config.data, self.config.model, self.config.train
        if not self._by_step:
            count = self.split.valid - self._first - data.window - model.horizon + 1
            windows = plan_windows(count, train.batch_size, train.seed, epoch)
            return EpochPlan([self._first + numbers for numbers in windows], 0.0)
        _, length = self._rows(epoch)
        return EpochPlan(plan_chunks(length, data.window), 0.0)

    def _rows(self, epoch: int) -> tuple[np.ndarray, int]:
        train = self.config.train
        return row_starts(self.split.valid - self._first - 1, train.batch_size, train.seed, epoch)

    def load(self, epoch: int, batches: Sequence[Any]) -> Iterator[SeriesBatch]:
        """Yields planned batches."""
        starts = self._rows(epoch)[0] if self._by_step else None
        for batch in batches:
            if starts is None:
                yield self._windows(batch)
            else:
                yield self._chunk(self._first + starts + batch[0], batch[1] - batch[0])

    def _windows(self, starts: np.ndarray) -> SeriesBatch:
        window, horizon = self.config.data.window, self.config.model.horizon
        return SeriesBatch(*excerpts(self.series, starts, window, self._first, horizon))

    def _chunk(self, starts: np.ndarray, steps: int) -> SeriesBatch:
        return SeriesBatch(*excerpts(self.series, starts, steps, self._first, 1))

    def first_carry(self) -> Any:
        """Returns the zero state of every place; () with predicts=horizon."""
        return self._zeros(self.config.train.batch_size) if self._by_step else ()

    def _zeros(self, rows: int) -> CellStates:
        return tf.nest.map_structure(lambda spec: np.zeros([rows, spec.shape[1]], np.float32), self.carry_spec)

    def describe(self, batches: Sequence[Any]) -> str:
        """Returns which rows of the file are in these batches."""
        if self._by_step:
            return f"steps {batches[0][0] + 1:,} to {batches[-1][1]:,} of each of {self.config.train.batch_size} places"
        rows = [int(start) + 1 for starts in batches for start in starts]
        return f"windows from rows {', '.join(map(str, rows[:3]))}, ..."

    def validate(self) -> dict[str, float]:
        """Returns the mean loss of the held-out numbers, each predicted from all rows before it (or its window)."""
        variables = self.series.values.shape[1]
        total, count = 0.0, 0
        if self._by_step:
            carry = self._zeros(1)
            for start, stop in plan_chunks(self.split.test - self._first - 1, _SCORED):
                losses, carry = self._losses(self._chunk(np.array([self._first + start]), stop - start), carry)
                held_out = losses.numpy()[max(0, self.split.valid - self._first - 1 - start) :]
                total, count = total + float(held_out.sum(dtype=np.float64)), count + len(held_out)
        else:
            window, horizon = self.config.data.window, self.config.model.horizon
            starts = np.arange(self.split.valid - window, self.split.test - horizon - window + 1)
            for at in range(0, len(starts), _SCORED):
                losses, _ = self._losses(self._windows(starts[at : at + _SCORED]), ())
                total += float(losses.numpy().sum(dtype=np.float64))
            count = len(starts) * horizon
        return {"loss": total / (count * variables)}

    def pictures(self) -> dict[str, bytes]:
        """Returns no pictures."""
        return {}

    def gradient_curves(self) -> GradientCurves:
        """Returns how the gradient flows back on held-out rows; see `HasGradientCurves`."""
        if self._watch is None:
            rows = Series(self.series.values[: self.split.test], self.series.calendar[: self.split.test])
            batch = series_batch(rows, self.config.model, SEQUENCES, min(STEPS, self.config.data.window))
            self._watch = GradientWatch(self.model, lambda: reference_copy(self.model), batch)
        return self._watch.look()


def prepare(run: RunDir, config: ForecastingConfig, say: Callable[[str], None]) -> ForecastingTask:
    """Reads the series, writes its scales to the run folder and builds the model.

    Raises:
      InputError: the file is missing or broken (named with line and column), has changed, or has too few rows.
    """
    table, data = read_series(config.data), config.data
    split = split_rows(len(table.values), data)
    series = series_of(table.values, calendar_dates(table, config, 1), config.model.cycles)
    _check_sizes(table, split, config)
    texts = {"data.series": [data.series]}
    check_prepared(run, texts, ["data.series"], say)
    if not (run.has_weights and os.path.exists(run.prepared)):  # before that, the file may still be corrected
        if not (take_over_tokenizers(run, config, say) or has_bound_tokenizers(run, config)):
            write_scaling(
                run, scaling_of(table.names, table.values[: split.valid], config.model.difference, data.series)
            )
        seal_prepared(run, {"columns": table.names, **split._asdict()}, texts)
    scaling = load_scaling(run)
    if scaling.names != table.names:
        raise InputError(
            f"{data.series}: the columns are {', '.join(table.names)}, but these weights are for "
            f"{', '.join(scaling.names)}"
        )
    say(
        f"series: {split.rows:,} rows of {', '.join(table.names)}: {split.valid:,} for training, "
        f"{split.test - split.valid:,} held out for validation, {split.rows - split.test:,} for the test"
    )
    keras.utils.set_random_seed(config.train.seed)
    model = build_model(config, scaling)
    count = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    say(f"model: {count:,} parameters, {config.model.distribution} output (model.predicts={config.model.predicts})")
    return ForecastingTask(config, series, split, model)


def _check_sizes(table: Table, split: Split, config: ForecastingConfig) -> None:
    """Raises InputError unless there are enough rows to train on and to validate with."""
    data, model = config.data, config.model
    horizon = model.horizon if model.predicts == "horizon" else 1
    needed = model.difference + (data.window if model.predicts == "horizon" else 1) + horizon
    for what, rows, least in (("training", split.valid, needed), ("validation", split.test - split.valid, horizon)):
        if rows < least:
            raise InputError(
                f"{table.path}: {rows:,} of {split.rows:,} rows for {what}, but model.predicts={model.predicts} with "
                f"data.window={data.window}, model.horizon={model.horizon} and model.difference={model.difference} "
                f"needs {least:,}"
            )
