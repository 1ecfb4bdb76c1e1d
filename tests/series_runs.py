"""Made-up series of numbers, and tiny forecasting runs on them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.forecasting.config import ForecastingConfig, ForecastModelConfig
from seq2seq_tf.tasks.forecasting.forecaster import Forecaster
from seq2seq_tf.tasks.forecasting.model import Forecasting
from seq2seq_tf.tasks.forecasting.scaling import Scaling
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Outcome, Session
from seq2seq_tf.training.tokenizers import TOKENIZERS, tokenizer_hashes
from seq2seq_tf.training.weights import model_variables
from tests import oracles

TINY: dict[str, Any] = {
    "data.window": 5,
    "data.season": 2,
    "model.horizon": 3,
    "model.units": 11,
    "model.embedding_units": 7,
    "train.batch_size": 13,
    "train.max_epochs": 3,
    "train.learning_rate": 0.01,
    "train.warmup_updates": 3,
    "train.checkpoint_every": 3,
    "train.log_every": 1,
    "train.average_best": 2,
    "train.shards": 1,
    "forecast.samples": 17,
}
RATES = ("embedding_dropout", "layer_dropout", "output_dropout", "word_dropout")
SCALING = Scaling(("a", "b"), np.array([3.0, -7.0]), np.array([0.5, 11.0]))


def model_config(**changes: Any) -> ForecastModelConfig:
    """Returns a model configuration with small sizes and no dropout."""
    sizes = {"units": 7, "embedding_units": 5, "horizon": 3}
    return ForecastModelConfig(**{**dict.fromkeys(RATES, 0.0), **sizes, **changes})


def make_model(rng: np.random.Generator, scaling: Scaling = SCALING, **changes: Any) -> Forecasting:
    """Returns a small network with random weights."""
    model = Forecasting(model_config(**changes), scaling, precision="float32")
    model.build()
    oracles.randomise(model, rng, 0.4)
    return model


def forecaster(rng: np.random.Generator, **changes: Any) -> Forecaster:
    """Returns a `Forecaster` of random weights; `model__predicts="step"` changes an option."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    chosen = load(None, {**TINY, **named}, ForecastingConfig).config
    model = Forecasting(chosen.model, SCALING, precision="float32")
    model.build()
    oracles.randomise(model, rng, 0.4)
    return Forecaster(model, chosen)


def write_series(path: Path, *, rows: int = 97, seed: int = 3) -> Path:
    """Writes two variables with a season of 2 steps, noise and monthly dates; returns the path."""
    random = np.random.default_rng(seed)
    dates = np.datetime64("2001-11") + np.arange(rows)
    values = random.normal(0.0, 0.5, [rows, 2]) + np.array([20.0, -3.0]) + (np.arange(rows) % 2)[:, np.newaxis] * 4.0
    lines = ["time,a,b", *(f"{date},{a:.4f},{b:.4f}" for date, (a, b) in zip(dates, values, strict=True))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def config(series: Path, **changes: Any) -> ForecastingConfig:
    """Returns a configuration that trains on a file in seconds; `train__max_epochs=5` changes an option."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return load(None, {**TINY, "data.series": str(series), **named}, ForecastingConfig).config


def random_run(folder: Path, **changes: Any) -> Path:
    """Makes a finished run of random weights on the series folder/x.csv, without training; returns its folder."""
    from seq2seq_tf.tasks.forecasting.task import prepare

    run = RunDir(str(folder / "run"))
    settings = run.create(config(write_series(folder / "x.csv"), **changes))
    model = prepare(run, settings, lambda _: None).model
    oracles.randomise(model, np.random.default_rng(11), 0.4)
    hashes = {TOKENIZERS: tokenizer_hashes(run, settings.tokenizer_files)}
    checkpoint.save(run.final_model, model_variables(model), {"update": 0, "score": 0.0, **hashes})
    return folder / "run"


def never() -> bool:
    return False


def train(folder: Path, settings: ForecastingConfig, stop: Callable[[], bool] = never) -> Outcome:
    """Trains in a run folder with new objects, as a new process would."""
    from seq2seq_tf.tasks.forecasting.task import prepare

    run = RunDir(str(folder))
    settings = run.create(settings)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):  # the progress
        return Session(run, settings, prepare(run, settings, lambda _: None), stop).run()
