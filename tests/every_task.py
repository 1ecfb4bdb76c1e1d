"""The tasks, each with made-up data and a tiny configuration, for tests of every task."""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Outcome, Session
from tests import labelled_runs, language_models, series_runs, toy

PROGRAMS: dict[str, tuple[str, list[str]]] = {  # task -> module of seq2seq_tf.cli, training command
    "translation": ("train", []),
    "language_model": ("lm", ["train"]),
    "classification": ("classify", ["train"]),
    "tagging": ("tag", ["train"]),
    "captioning": ("caption", ["train"]),
    "forecasting": ("forecast", ["train"]),
}
TASKS = ("translation", "language_model", "classification", "tagging", "captioning", "forecasting")
_CAPTIONS: dict[str, Any] = {
    "data.train_scenes": 29,
    "data.valid_scenes": 5,
    "model.filters": 3,
    "model.embedding_units": 5,
    "model.decoder_units": 13,
    "model.attention_units": 11,
    "model.output_units": 7,
    "train.batch_size": 11,
    "train.metric": "loss",
}


class Example(NamedTuple):
    """A task with training data."""

    config: TaskConfig
    valid: list[Path]  # files of held-out text that are read at each start
    prepare: Callable[..., Any]


def example(task: str, folder: Path, **changes: Any) -> Example:
    """Writes the data of a task; `train__max_epochs=3` changes an option."""
    prepare = importlib.import_module(f"seq2seq_tf.tasks.{task}.task").prepare
    if task == "translation":
        corpus = toy.make_corpus(folder, seed=3, train=23)
        return Example(toy.tiny_config(corpus, **changes), [corpus.valid_source, corpus.valid_target], prepare)
    if task == "language_model":
        text = language_models.write_folder(folder, files=17)
        settings = {"train__bptt_steps": 23, "train__checkpoint_every": 3, **changes}
        return Example(language_models.config(text, **settings), [], prepare)
    if task == "classification":
        languages = labelled_runs.write_languages(folder, seed=3, train=11)
        valid = sorted((folder / "valid").iterdir())
        return Example(labelled_runs.classification_config(languages, **changes), valid, prepare)
    if task == "tagging":
        for name, seed in (("train", 1), ("valid", 2)):
            labelled_runs.write_cased(folder / f"{name}.txt", seed=seed, lines=31 if name == "train" else 5)
        return Example(labelled_runs.tagging_config(folder, **changes), [folder / "valid.txt"], prepare)
    if task == "forecasting":
        series = series_runs.write_series(folder / "series.csv")
        return Example(series_runs.config(series, **changes), [], prepare)
    named = {name.replace("__", "."): value for name, value in changes.items()}
    common = {name: value for name, value in labelled_runs.TINY.items() if name.startswith("train.")}
    return Example(load(None, {**common, **_CAPTIONS, **named}, CaptioningConfig).config, [], prepare)


def prepare(
    found: Example, folder: Path, say: Callable[[str], None] = lambda _: None
) -> tuple[RunDir, TaskConfig, Any]:
    """Returns the run folder, its configuration and the task, created as a program does."""
    run = RunDir(str(folder))
    config = run.create(found.config)
    return run, config, found.prepare(run, config, say)


def train(found: Example, folder: Path, stop: Callable[[], bool] = lambda: False) -> Outcome:
    """Trains in a run folder with new objects, as a new process would."""
    run, config, task = prepare(found, folder)
    with contextlib.redirect_stderr(io.StringIO()):  # the progress bar
        return Session(run, config, task, stop).run()
