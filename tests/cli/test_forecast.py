"""seq2seq-forecast as a user runs it: trains, predicts, evaluates and draws, and reports mistakes in one line."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.tasks.forecasting.forecaster import Forecaster
from tests import series_runs
from tests.programs import call
from tests.trained import Call, assert_one_error_line, run_program


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return series_runs.random_run(tmp_path_factory.mktemp("forecast"))


def values_of(path: Path) -> np.ndarray:
    return np.array([row.split(",")[1:] for row in path.read_text().splitlines()[1:]], float)


@pytest.mark.slow
def test_a_run_is_trained_and_predicts_from_the_command_line(tmp_path: Path) -> None:
    series = series_runs.write_series(tmp_path / "x.csv")
    flags = [f"--data.series={series}", "--data.window=5", "--model.horizon=3", "--train.max_updates=4"]
    trained = run_program(Call("forecast", ["train", f"--model_dir={tmp_path / 'run'}", *flags]))
    assert trained.code == 0, trained
    assert "series: 97 rows of a, b: 63 for training, 15 held out for validation, 19 for the test" in trained.stdout
    assert "finished after 4 updates" in trained.stdout
    predicted = run_program(Call("forecast", ["predict", f"--model_dir={tmp_path / 'run'}"]))
    assert (predicted.code, predicted.stderr) == (0, "")
    assert predicted.stdout.splitlines()[0] == "time,a,a_lower,a_upper,b,b_lower,b_upper"


def test_predictions_are_those_of_the_python_api_with_the_following_dates(run: Path) -> None:
    ended = call("forecast predict", f"--model_dir={run}", "--horizon=2", "--level=0.8")
    assert (ended.code, ended.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert [row["time"] for row in rows] == ["2009-12-01", "2010-01-01"]
    wanted = Forecaster.load(str(run)).forecast(values_of(run.parent / "x.csv"), 2, level=0.8)
    for n, name in enumerate(("a", "b")):
        for column, array in ((name, wanted.mean), (f"{name}_lower", wanted.lower), (f"{name}_upper", wanted.upper)):
            np.testing.assert_allclose([float(row[column]) for row in rows], array[:, n], rtol=1e-6)


@pytest.mark.slow
def test_another_file_may_have_no_dates_and_its_columns_in_another_order(run: Path, tmp_path: Path) -> None:
    values = values_of(run.parent / "x.csv")[:20]
    (tmp_path / "y.csv").write_text("b,x,a\n" + "".join(f"{b},7,{a}\n" for a, b in values))
    ended = call("forecast predict", f"--model_dir={run}", f"--data={tmp_path / 'y.csv'}")
    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    wanted = Forecaster.load(str(run)).forecast(values)
    np.testing.assert_allclose([float(row["b"]) for row in rows], wanted.mean[:, 1], rtol=1e-6)


def test_evaluation_prints_a_row_for_each_method_and_writes_it(run: Path, tmp_path: Path) -> None:
    flags = [f"--model_dir={run}", "--stride=5", "--max_lags=4", f"--json={tmp_path / 'x.json'}", "--by_step"]
    ended = call("forecast evaluate", *flags)
    assert (ended.code, ended.stderr) == (0, "")
    written = json.loads((tmp_path / "x.json").read_text())
    assert written["origins"] == [78, 83, 88, 93]
    assert (written["horizon"], written["season"], written["level"]) == (3, 2, 0.9)
    lines = ended.stdout.splitlines()
    for method in ("network", "naive", "seasonal naive", "autoregression"):
        found = written["methods"][method]
        (line,) = [line for line in lines if line.startswith(f"{method}  ")]
        assert f"{found['mase']:.3f}" in line
        assert f"{found['crps']:.3f}" in line
    assert sum(line.split()[:1] in (["1"], ["2"], ["3"]) for line in lines) == 3
    other = call("forecast evaluate", f"--model_dir={run}", f"--data={run.parent / 'x.csv'}", "--stride=40")
    assert other.stdout.startswith("3 origins in ")


def test_a_picture_is_drawn(run: Path, tmp_path: Path) -> None:
    flags = ["--origin=60", "--history=30", "--columns=b", f"--out={tmp_path / 'x.png'}"]
    ended = call("forecast draw", f"--model_dir={run}", *flags)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == f"{tmp_path / 'x.png'}: 3 steps after row 60 of 97\n"
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"
    assert call("forecast draw", f"--model_dir={run}", "--level=0.5", f"--out={tmp_path / 'y.png'}").code == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["predict", "--horizon=4"], ["horizon=4", "at most model.horizon=3"]),
        (["predict", "--data=none.csv"], ["none.csv: no such file"]),
        (["predict", "--feed=medians"], ["--feed", "must be one of mean, samples"]),
        (["evaluate", "--stride=0"], ["--stride=0"]),
        (["evaluate", "--lags=60"], ["too few"]),
        (["draw", "--origin=98"], ["--origin=98", "has 97 rows"]),
        (["draw", "--origin=3"], ["at least 5 values of history, got 3"]),
        (["draw", "--columns=c"], ["--columns", "no variable 'c'"]),
    ],
)
def test_a_mistake_is_one_line(run: Path, flags: list[str], words: list[str]) -> None:
    assert_one_error_line(call(f"forecast {flags[0]}", f"--model_dir={run}", *flags[1:]), *words)


def test_a_series_that_was_changed_is_not_evaluated(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    path = run.parent / "x.csv"
    before = path.read_text()
    try:
        path.write_text(before + "2010-01,1,2\n")
        ended = call("forecast evaluate", f"--model_dir={tmp_path / 'run'}")
    finally:
        path.write_text(before)
    assert_one_error_line(ended, "data.series: this text has changed since the run")
