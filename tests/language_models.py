"""Tiny language models on made-up text."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig, LanguageModelModelConfig
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Outcome, Session

TINY: dict[str, Any] = {
    "data.valid_share": 0.2,
    "data.test_share": 0.2,
    "model.units": 13,
    "model.embedding_units": 5,
    "model.output_dropout": 0.1,
    "train.batch_size": 3,
    "train.bptt_steps": 7,
    "train.max_epochs": 2,
    "train.learning_rate": 0.02,
    "train.warmup_updates": 3,
    "train.checkpoint_every": 1000,
    "train.log_every": 1,
    "train.average_best": 2,
    "train.precision": "float32",
    "train.shards": 1,
    "sample.length": 11,
}
RATES = ("word_dropout", "embedding_dropout", "layer_dropout", "output_dropout")


def model_config(**changes: Any) -> LanguageModelModelConfig:
    """Returns a model configuration with small sizes and no dropout."""
    return LanguageModelModelConfig(**{**dict.fromkeys(RATES, 0.0), "units": 7, "embedding_units": 5, **changes})


def config(data: Path, **changes: Any) -> LanguageModelConfig:
    """Returns a configuration that trains on a file or folder in seconds; `train__bptt_steps=5` changes an option."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return load(None, {**TINY, "data.train": str(data), **named}, LanguageModelConfig).config


def write_folder(folder: Path, *, files: int = 23, seed: int = 3) -> Path:
    """Writes files of made-up sentences of a few words, so that there is something to learn; returns the folder."""
    random = np.random.default_rng(seed)
    words = ["ma", "mo", "lo\u00e9", "\u00fct", "gin", "k"]
    for n in range(files):
        lines = [" ".join(random.choice(words, random.integers(1, 5))) for _ in range(random.integers(1, 4))]
        path = folder / f"part_{n % 3}" / f"{n}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n" * int(random.integers(2)), encoding="utf-8")
    return folder


def never() -> bool:
    return False


def train(folder: Path, settings: LanguageModelConfig, stop: Callable[[], bool] = never) -> Outcome:
    """Trains in a run folder with new objects, as a new process would."""
    from seq2seq_tf.tasks.language_model.task import prepare

    run = RunDir(str(folder))
    settings = run.create(settings)
    with contextlib.redirect_stderr(io.StringIO()):  # the progress bar
        return Session(run, settings, prepare(run, settings, lambda _: None), stop).run()
