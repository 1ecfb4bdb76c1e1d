"""Real series are forecast better than by repeating them, and the configurations of the project train."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.config.loading import load, task_of
from seq2seq_tf.corpora.known_series import SOURCES
from seq2seq_tf.tasks.forecasting.config import ForecastingConfig
from seq2seq_tf.tasks.forecasting.evaluation import Asked, Evaluation, evaluate
from seq2seq_tf.tasks.forecasting.forecaster import Forecaster
from seq2seq_tf.tasks.forecasting.series_file import read_table, split_rows
from seq2seq_tf.tasks.forecasting.task import prepare
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import series_runs, toy

PATHS = [path for path in sorted((toy.ROOT / "configs").glob("*.yaml")) if task_of(path) == "forecasting"]


def write(path: Path, name: str) -> Path:
    names, rows = SOURCES[name].read()
    path.write_text("".join(",".join(row) + "\n" for row in (names, *rows)), encoding="utf-8")
    return path


def evaluated(folder: Path, series: Path, config: ForecastingConfig) -> Evaluation:
    assert series_runs.train(folder, config).finished
    found = Forecaster.load(str(folder))
    table = read_table(str(series), found.names, "time")
    split = split_rows(len(table.values), config.data)
    season, horizon = config.data.season, config.model.horizon
    asked = Asked(table.values[: split.test], table, split.test, horizon, 3, 0.9, season, 0, 24)
    return evaluate(found, asked)


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_network_beats_the_naive_forecast_of_a_real_series(path: Path, tmp_path: Path, run_seed: int) -> None:
    series = write(tmp_path / "x.csv", path.stem.removeprefix("forecast_"))
    config = load(path, {"data.series": str(series), "train.seed": run_seed}, ForecastingConfig).config
    scores = evaluated(tmp_path / "run", series, config).scores
    rivals = [scores[name] for name in ("naive", "seasonal naive") if name in scores]
    assert scores["network"].mase < min(rival.mase for rival in rivals)
    assert scores["network"].crps < min(rival.crps for rival in rivals)
    assert scores["network"].coverage > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model__predicts": "step"},
        {"model__distribution": "quantile"},
        {"model__predicts": "step", "model__cell": "rnn"},
    ],
)
def test_a_known_process_is_forecast_with_its_own_uncertainty(
    options: dict[str, Any], tmp_path: Path, run_seed: int
) -> None:
    """x_t = 0.9 x_(t-1) - 0.5 x_(t-2) + e_t: nothing can have a smaller error than the fitted autoregression."""
    random, values = np.random.default_rng(run_seed), [0.0, 0.0]
    for error in random.normal(0.0, 1.0, 1500):
        values.append(0.9 * values[-1] - 0.5 * values[-2] + error)
    series = tmp_path / "x.csv"
    series.write_text("x\n" + "".join(f"{1000.0 + value:.6f}\n" for value in values[100:]))
    sizes = {"data__window": 16, "model__horizon": 4, "train__max_epochs": 25, "train__log_every": 1000}
    config = series_runs.config(series, **{**sizes, "forecast__samples": 400, "train__seed": run_seed, **options})
    scores = evaluated(tmp_path / "run", series, config).scores
    assert scores["network"].mase < 1.06 * scores["autoregression"].mase
    assert scores["network"].crps < 1.06 * scores["autoregression"].crps
    assert 0.83 < scores["network"].coverage < 0.97


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_configuration_of_forecasting_trains_two_updates(path: Path, tmp_path: Path) -> None:
    series = write(tmp_path / "x.csv", path.stem.removeprefix("forecast_"))
    run = RunDir(str(tmp_path / "run"))
    config = run.create(load(path, {"data.series": str(series), "train.log_every": 1}, ForecastingConfig).config)
    calls = iter((False, True))
    session = Session(run, config, prepare(run, config, lambda _: None), lambda: next(calls))
    assert session.run()[:2] == (False, 2)
    assert run.latest_checkpoint() == run.checkpoint_file(2)
