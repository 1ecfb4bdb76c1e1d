"""Forecasting as a task: batches of the training rows alone, held-out scores, and a file that must not change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.forecaster import Forecaster
from seq2seq_tf.tasks.forecasting.series_file import read_table
from seq2seq_tf.tasks.forecasting.task import ForecastingTask, prepare
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from tests import series_runs


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return series_runs.write_series(tmp_path_factory.mktemp("series") / "x.csv")


def prepared(folder: Path, path: Path, **changes: Any) -> ForecastingTask:
    run = RunDir(str(folder))
    return prepare(run, run.create(series_runs.config(path, **changes)), lambda _: None)


def test_windows_of_an_epoch_are_those_of_the_training_rows(series: Path, tmp_path: Path) -> None:
    task = prepared(tmp_path, series, model__difference=2)
    values = task.series.values
    assert task.split == (63, 78, 97)
    batches = list(task.load(1, task.plan(1).batches))
    found = np.concatenate([np.asarray(batch.values) for batch in batches])
    assert found.shape == (63 - 2 - 5 - 3 + 1, 2 + 5 + 3, 2)
    wanted = {values[start : start + 10].tobytes() for start in range(63 - 10 + 1)}
    assert {window.tobytes() for window in found} == wanted
    again = list(task.load(1, task.plan(1).batches[2:]))
    np.testing.assert_array_equal(again[0].values, batches[2].values)
    assert "windows from rows" in task.describe(task.plan(1).batches)


def test_chunks_of_an_epoch_follow_each_other_and_stay_in_the_training_rows(series: Path, tmp_path: Path) -> None:
    task = prepared(tmp_path, series, model__difference=2, model__predicts="step", train__batch_size=3)
    values = task.series.values
    batches = list(task.load(4, task.plan(4).batches))
    for before, after in zip(batches, batches[1:], strict=False):
        np.testing.assert_array_equal(
            before.values[:, -3:], after.values[:, :3]
        )  # 2 to count from, 1 that is predicted
    last = {row.tobytes() for row in values[:63]}
    assert all(row.tobytes() in last for batch in batches for row in np.asarray(batch.values).reshape([-1, 2]))
    read = {row.tobytes() for batch in batches for row in np.asarray(batch.values)[:, 3:].reshape([-1, 2])}
    assert read == {row.tobytes() for row in values[3:63]}  # everything that can be predicted is
    assert "of each of 3 places" in task.describe(task.plan(4).batches)


@pytest.mark.parametrize("changes", [{}, {"model__predicts": "step"}, {"model__distribution": "quantile"}])
def test_the_held_out_loss_is_that_of_each_number_predicted_from_what_came_before(
    changes: dict[str, Any], series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = prepared(tmp_path, series, model__difference=1, **changes)
    losses = []
    if task.config.model.predicts == "step":
        batch = task._chunk(np.array([1]), 76)
        found, _ = task.model.losses(batch, task.model.initial_carry(1), dropout_seed=None)
        losses = found.numpy()[0, 61:]  # of rows 63 to 77
        assert len(losses) == 78 - 63
    else:
        for origin in range(63, 78 - 3 + 1):
            batch = task._windows(np.array([origin - 5]))
            np.testing.assert_array_equal(batch.values[0], task.series.values[origin - 6 : origin + 3])
            losses.append(task.model.losses(batch, (), dropout_seed=None)[0].numpy())
    assert task.validate()["loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    monkeypatch.setattr("seq2seq_tf.tasks.forecasting.task._SCORED", 7)
    assert task.validate()["loss"] == pytest.approx(np.mean(losses), rel=1e-4)


def test_scales_are_those_of_the_training_rows(series: Path, tmp_path: Path) -> None:
    task = prepared(tmp_path, series)
    values = read_table(str(series), (), "time").values[:63]
    np.testing.assert_array_equal(task.model.scaling.mean, values.mean(0))
    np.testing.assert_array_equal(task.model.scaling.scale, values.std(0))
    assert json.loads((tmp_path / "series.json").read_text())["columns"] == ["a", "b"]


@pytest.mark.slow
@pytest.mark.parametrize("predicts", ["step", "horizon"])
def test_an_interrupted_run_ends_with_the_same_weights(predicts: str, series: Path, tmp_path: Path) -> None:
    sizes = {"train__batch_size": 3 if predicts == "step" else 13, "train__max_epochs": 2}  # stopped within an epoch
    settings = series_runs.config(series, model__predicts=predicts, model__calendar="year", **sizes)
    assert series_runs.train(tmp_path / "whole", settings).finished
    asked = iter([*[False] * 3, True])
    assert not series_runs.train(tmp_path / "parts", settings, lambda: next(asked)).finished
    assert series_runs.train(tmp_path / "parts", settings).finished
    whole, parts = (checkpoint.load_arrays(str(tmp_path / name / "model.npz"))[0] for name in ("whole", "parts"))
    assert {name: array.tobytes() for name, array in whole.items()} == {n: a.tobytes() for n, a in parts.items()}


def test_a_series_that_changes_under_a_run_with_weights_is_refused(tmp_path: Path) -> None:
    path = series_runs.write_series(tmp_path / "x.csv")
    prepared(tmp_path / "run", path)
    text = path.read_text()
    path.write_text(text + "2020-01,1,2\n")
    task = prepared(tmp_path / "run", path)  # nothing was trained yet
    assert task.split.rows == 98
    checkpoint.save_arrays(RunDir(str(tmp_path / "run")).checkpoint_file(3), {}, {})
    prepared(tmp_path / "run", path)
    path.write_text(text)
    with pytest.raises(InputError, match=r"data\.series: this text has changed since the run in .*run began"):
        prepared(tmp_path / "run", path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data__window": 61}, "63 of 97 rows for training, but model.predicts=horizon with data.window=61.* needs 64"),
        ({"data__valid_share": 0.02}, "2 of 97 rows for validation, .* needs 3"),
        ({"data__columns": "a,c"}, "no column 'c'"),
        ({"data__time": "x"}, "x.csv:2: column 'time': expected a number, got '2001-11'"),
        ({"data__time": "x", "data__columns": "a", "model__calendar": "year"}, "a column of dates named 'x'"),
    ],
)
def test_a_series_that_does_not_fit_is_one_line(
    changes: dict[str, Any], words: str, series: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        prepared(tmp_path, series, **changes)
    assert "\n" not in str(caught.value)


def test_a_column_of_dates_that_is_not_read_needs_no_name(series: Path, tmp_path: Path) -> None:
    assert prepared(tmp_path, series, data__columns="a", data__time="x").model.scaling.names == ("a",)


def test_a_new_run_takes_over_the_scales_of_its_base(tmp_path: Path) -> None:
    base = series_runs.random_run(tmp_path / "base")
    other = series_runs.write_series(tmp_path / "other.csv", seed=5)
    changed = {"train__init_from": str(base)}
    found = prepared(tmp_path / "run", other, **changed).model.scaling
    wanted = Forecaster.load(str(base)).model.scaling
    np.testing.assert_array_equal([found.mean, found.scale], [wanted.mean, wanted.scale])
    assert (wanted.mean != prepared(tmp_path / "alone", other).model.scaling.mean).all()
    with pytest.raises(InputError, match="the columns are b, a, but these weights are for a, b"):
        prepared(tmp_path / "third", other, data__columns="b,a", **changed)


@pytest.mark.slow
def test_gradient_curves_are_measured_on_held_out_rows(series: Path, tmp_path: Path) -> None:
    task = prepared(tmp_path, series)
    first = task.gradient_curves()
    assert {"layer_0/h/first_step", "layer_0/c/last_step"} <= set(first.scalars)
    assert first.scalars == task.gradient_curves().scalars
    assert task.pictures() == {}
