"""The Python API: forecasts of a run, the same step by step, and one line for whatever is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seq2seq_tf
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.forecaster import Forecaster
from tests import series_runs

HISTORY = series_runs.SCALING.mean + np.arange(23.0)[:, np.newaxis] % 3 * series_runs.SCALING.scale
TIMES = [str(np.datetime64("2001-11") + n) for n in range(40)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return series_runs.random_run(tmp_path_factory.mktemp("series"))


def test_a_run_is_loaded_and_forecasts_raw_numbers(run: Path) -> None:
    loaded = seq2seq_tf.Forecaster.load(str(run))
    assert isinstance(loaded, Forecaster)
    assert "2 variables, 3 steps ahead" in repr(loaded)
    found = loaded.forecast(HISTORY)
    assert found.mean.shape == found.lower.shape == found.upper.shape == (3, 2)
    assert (found.lower < found.mean).all()
    assert (found.mean < found.upper).all()
    np.testing.assert_allclose(found.quantiles[0.05], found.lower)
    assert found.level == 0.9
    shorter = loaded.forecast(HISTORY[-loaded.predictor.shortest :], 2, level=0.5)
    np.testing.assert_allclose(shorter.mean, found.mean[:2], rtol=1e-5)
    assert (shorter.upper < found.upper[:2]).all()


def test_reading_on_gives_the_forecast_of_the_whole_history(rng: np.random.Generator) -> None:
    made = series_runs.forecaster(rng, model__predicts="step", model__difference=2, model__calendar="year")
    whole = made.forecast(HISTORY, 5, times=TIMES[:23])
    reading = None
    for row in range(23):
        reading = made.observe(HISTORY[row : row + 1], reading, times=TIMES[row : row + 2])
    assert reading is not None
    found = made.forecast_from(reading, 5, times=TIMES[23:28])
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-4)
    np.testing.assert_allclose(found.lower, whole.lower, rtol=1e-4)
    one = made.forecast_from(reading, 1, times=TIMES[23:24])
    np.testing.assert_allclose(one.mean[0], whole.mean[0], rtol=1e-4)


def test_one_variable_may_be_a_plain_list(tmp_path: Path) -> None:
    made = Forecaster.load(str(series_runs.random_run(tmp_path, data__columns="b")))
    assert made.names == ("b",)
    history = HISTORY[:, 1].tolist()
    np.testing.assert_array_equal(made.forecast(history).mean, made.forecast(HISTORY[:, 1:]).mean)


def test_scales_of_other_weights_are_refused(tmp_path: Path) -> None:
    run = series_runs.random_run(tmp_path)
    path = run / "series.json"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(InputError, match=r"these weights were trained with another .*series\.json"):
        Forecaster.load(str(run))


@pytest.mark.parametrize(
    ("changes", "arguments", "options", "words"),
    [
        ({}, [HISTORY[:4]], {}, "at least 5 values of history, got 4"),
        ({}, [HISTORY[:, :1]], {}, r"expected 2 columns \(a, b\), got an array \[23, 1\]"),
        ({}, [HISTORY[:, 0]], {}, r"expected 2 columns \(a, b\), got an array \[23\]"),
        ({}, [np.where(HISTORY > 10, np.nan, HISTORY)], {}, "row 2, column 'b': expected a number, got nan"),
        ({}, ["hello"], {}, "expected numbers"),
        ({}, [HISTORY, 4], {}, "horizon=4: this run predicts at most model.horizon=3 steps"),
        ({}, [HISTORY, 0], {}, "horizon must be a whole number of at least 1, got 0"),
        ({}, [HISTORY, True], {}, "horizon must be a whole number of at least 1, got True"),
        ({}, [HISTORY], {"level": 1.5}, r"level must be in \[0.01, 0.999\], got 1.5"),
        ({}, [HISTORY], {"levle": 0.5}, "levle: unknown option"),
        ({"model__distribution": "quantile"}, [HISTORY], {"level": 0.95}, "level=0.95 needs quantiles 0.025 and 0.975"),
        ({"model__calendar": "year"}, [HISTORY], {}, r"times are missing: .*model.calendar=year"),
        ({"model__calendar": "year"}, [HISTORY], {"times": TIMES[:22]}, "expected 23 times, got 22"),
        ({"model__calendar": "year"}, [HISTORY[:5]], {"times": [*TIMES[:4], "2005"]}, "not evenly spaced"),
        ({"model__calendar": "year"}, [HISTORY[:5]], {"times": [*TIMES[:4], "x"]}, "'x' is not a date"),
    ],
)
def test_a_mistake_is_one_line(
    changes: dict[str, Any], arguments: list[Any], options: dict[str, Any], words: str, rng: np.random.Generator
) -> None:
    made = series_runs.forecaster(rng, **changes)
    with pytest.raises(InputError, match=words) as caught:
        made.forecast(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_only_a_run_that_predicts_step_by_step_reads_on(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="this run reads windows"):
        series_runs.forecaster(rng).observe(HISTORY)
    made = series_runs.forecaster(rng, model__predicts="step", model__difference=3)
    with pytest.raises(InputError, match="at least 4 values of history"):
        made.forecast_from(made.observe(HISTORY[:3]))
    assert made.forecast_from(made.observe(HISTORY[:4])).mean.shape == (3, 2)


def test_a_run_of_another_task_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("task: tagging\n")
    with pytest.raises(InputError, match="a run of tagging"):
        Forecaster.load(str(tmp_path))
