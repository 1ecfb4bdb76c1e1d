"""`seq2seq-inspect gradients` reads the run's series, or another file of its variables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import Asked, Sizes
from seq2seq_tf.tasks.forecasting import inspect
from tests import series_runs


def test_gradients_are_those_of_the_series_of_the_run_or_of_another(tmp_path: Path) -> None:
    run = series_runs.random_run(tmp_path, model__calendar="year")
    loaded = inspect.load(str(run))
    batch = inspect.gradient_batch(loaded, Asked(str(run), None, None), Sizes(3, 4))
    assert (batch.values.shape, batch.calendar.shape) == ((3, 4 + 3, 2), (3, 4, 2))
    other = series_runs.write_series(tmp_path / "other.csv", seed=5)
    elsewhere = inspect.gradient_batch(loaded, Asked(str(run), str(other), None), Sizes(3, 4))
    assert (np.asarray(batch.values) != np.asarray(elsewhere.values)).all()
    assert inspect.reference_copy(loaded.model).model.config.units == 11
    with pytest.raises(InputError, match="--target: a series has no translations"):
        inspect.gradient_batch(loaded, Asked(str(run), None, "x"), Sizes(3, 4))
