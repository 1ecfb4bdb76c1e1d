"""Recording every step of a forecasting network, for gradients over its steps."""

from __future__ import annotations

import dataclasses

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.cell_traces import NamedCell
from seq2seq_tf.structures import CellStates, LossSum
from seq2seq_tf.tasks.forecasting.config import ForecastModelConfig
from seq2seq_tf.tasks.forecasting.model import Forecasting, SeriesBatch
from seq2seq_tf.tasks.forecasting.scaling import Scaling
from seq2seq_tf.tasks.forecasting.windows import Series, excerpts


class RecordableForecasting:
    """Implements `Recordable` for batches of type `SeriesBatch`; the loss is that of training."""

    def __init__(self, config: ForecastModelConfig, scaling: Scaling) -> None:
        self.model = Forecasting(dataclasses.replace(config, fused=False, cudnn=False), scaling, precision="float32")
        self.model.build()
        self.cells = [NamedCell(f"layer_{n}", cell, False) for n, cell in enumerate(self.model.cells)]

    def start(self, batch: SeriesBatch) -> CellStates | tuple[()]:
        """Returns the zero state."""
        return self.model.initial_carry(len(batch.values)) if self.model.config.predicts == "step" else ()

    def loss(self, batch: SeriesBatch, start: CellStates | tuple[()]) -> LossSum:
        """Returns the loss of a batch from a start state."""
        return self.model.batch_loss(batch, start, dropout_seed=None)[0]

    def lengths(self, batch: SeriesBatch, cell: str) -> np.ndarray:
        """Returns T for each row, [B]."""
        del cell
        return np.full(len(batch.values), batch.calendar.shape[1])

    def describe(self, batch: SeriesBatch) -> str:
        """Returns the size of a batch."""
        return f"{len(batch.values)} excerpts of {batch.calendar.shape[1]} steps"


def reference_copy(model: Forecasting) -> RecordableForecasting:
    """Returns a newly initialised model of the same sizes whose every step can be recorded."""
    return RecordableForecasting(model.config, model.scaling)


def series_batch(series: Series, config: ForecastModelConfig, sequences: int, steps: int) -> SeriesBatch:
    """Returns excerpts spread evenly over a series.

    Args:
      series: of N rows.
      config: of the network.
      sequences: number of excerpts.
      steps: that each reads, at most; a short series gives fewer.

    Raises:
      InputError: the series is too short for a single step.
    """
    before, after = config.difference, config.horizon if config.predicts == "horizon" else 1
    steps = min(steps, len(series.values) - before - after)
    if steps < 1:
        raise InputError("the series is too short to measure gradients on")
    starts = np.linspace(before, len(series.values) - after - steps, sequences).round().astype(np.int64)
    return SeriesBatch(*excerpts(series, starts, steps, before, after))
