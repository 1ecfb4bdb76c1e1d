"""`seq2seq-inspect` for forecasting; see `inspection.abilities`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import Asked, Sizes
from seq2seq_tf.tasks.forecasting.series_file import calendar_dates, read_table

if TYPE_CHECKING:
    from seq2seq_tf.tasks.forecasting.forecaster import Forecaster
    from seq2seq_tf.tasks.forecasting.model import Forecasting, SeriesBatch
    from seq2seq_tf.tasks.forecasting.recording import RecordableForecasting


def load(model_dir: str) -> Forecaster:
    """Returns the trained run."""
    from seq2seq_tf.tasks.forecasting.forecaster import Forecaster

    return Forecaster.load(model_dir)


def reference_copy(model: Forecasting) -> RecordableForecasting:
    """Returns a newly initialised model of the same sizes whose every step can be recorded."""
    from seq2seq_tf.tasks.forecasting import recording

    return recording.reference_copy(model)


def gradient_batch(forecaster: Forecaster, asked: Asked, sizes: Sizes) -> SeriesBatch:
    """Returns excerpts of a CSV file, by default of the run's series."""
    from seq2seq_tf.tasks.forecasting.recording import series_batch
    from seq2seq_tf.tasks.forecasting.windows import series_of

    data = forecaster.config.data
    if asked.target:
        raise InputError("--target: a series has no translations")
    table = read_table(asked.text or data.series, forecaster.names, data.time)
    config = forecaster.config
    series = series_of(table.values, calendar_dates(table, config, 1), config.model.cycles)
    return series_batch(series, config.model, *sizes)
