"""Made-up languages to classify and made-up text to restore, and tiny runs that learn them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.classification.config import ClassificationConfig
from seq2seq_tf.tasks.tagging.config import TaggingConfig
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Outcome, Session
from tests.toy import StopAfter, sentences

AnyTask = TypeVar("AnyTask", bound=TaskConfig)

LETTERS = "abcdefghijk"
STEPS = {"aa": 1, "bb": 3, "cc": 7}  # language -> usual distance from one letter to the next
TINY: dict[str, Any] = {
    "model.embedding_units": 7,
    "model.embedding_scale": 1.0,
    "model.encoder_units": 11,
    "model.embedding_dropout": 0.0,
    "model.output_dropout": 0.0,
    "train.max_epochs": 3,
    "train.learning_rate": 0.01,
    "train.warmup_updates": 3,
    "train.checkpoint_every": 3,
    "train.log_every": 1,
    "train.average_best": 2,
    "train.precision": "float32",
    "train.shards": 1,
}


def language_texts(language: str, count: int, *, seed: int) -> list[str]:
    """Returns texts in which seven of eight letters follow the previous one as is usual in the language."""
    random = np.random.default_rng([seed, STEPS[language]])
    texts = []
    for _ in range(count):
        letters = [int(random.integers(11))]
        for _ in range(int(random.integers(7, 19))):
            step = STEPS[language] if random.random() < 0.875 else int(random.integers(11))
            letters.append((letters[-1] + step) % 11)
        texts.append("".join(LETTERS[n] for n in letters))
    return texts


def write_languages(folder: Path, *, seed: int, train: int = 23, valid: int = 5) -> Path:
    """Writes folder/{train,valid}/LANGUAGE.txt with `train` and `valid` texts each; returns the folder."""
    for language in STEPS:
        texts = language_texts(language, train + valid, seed=seed)
        for part, chosen in (("train", texts[:train]), ("valid", texts[train:])):
            (folder / part).mkdir(parents=True, exist_ok=True)
            (folder / part / f"{language}.txt").write_text("".join(f"{text}\n" for text in chosen))
    return folder


def cased_sentence(words: list[str]) -> str:
    """Returns the words as a sentence whose case and punctuation can be predicted from the bare words."""
    shown = []
    for n, word in enumerate(words):
        cased = word.upper() if word == "ku" else "kiKi" if word == "kiki" else word
        shown.append((cased if n or cased != word else word.title()) + ("," if word[0] == "b" else ""))
    return " ".join(shown).rstrip(",") + (" lu?" if len(words) % 2 else " ra.")


def write_cased(path: Path, *, seed: int, lines: int) -> Path:
    """Writes sentences of 2 to 7 words, the last of which determines the final mark; returns the path."""
    random = np.random.default_rng(seed)
    texts = []
    for words in sentences(lines, seed=seed):
        kept = [word for word in words if word not in ("lu", "ra")] or ["ka"]
        with_mixed = ["kiki" if random.random() < 0.1 else word for word in kept]
        texts.append(cased_sentence(with_mixed))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


def classification_config(folder: Path, **changes: Any) -> ClassificationConfig:
    """Returns a configuration that trains on `write_languages` in seconds; `train__max_epochs=5` changes an option."""
    files = {
        "data.train": str(folder / "train"),
        "data.valid": str(folder / "valid"),
        "data.test": str(folder / "valid"),
    }
    sizes = {"data.min_snippet": 3, "train.batch_tokens": 101, "train.pool_texts": 19}
    return _config({**files, **sizes}, changes, ClassificationConfig)


def tagging_config(folder: Path, **changes: Any) -> TaggingConfig:
    """Returns a configuration that trains on folder/{train,valid}.txt of `write_cased` in seconds."""
    files = {
        f"data.{part}": str(folder / f"{name}.txt")
        for part, name in (("train",) * 2, ("valid",) * 2, ("test", "valid"))
    }
    sizes = {"data.vocab_size": 60, "data.byte_fallback": False, "data.max_pieces": 31}
    return _config({**files, **sizes, "train.batch_tokens": 101, "train.pool_paragraphs": 19}, changes, TaggingConfig)


def _config(first: dict[str, Any], changes: dict[str, Any], kind: type[AnyTask]) -> AnyTask:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return load(None, {**TINY, **first, **named}, kind).config


def train(
    folder: Path, config: TaskConfig, prepare: Callable[..., Any], stop: Callable[[], bool] = lambda: False
) -> Outcome:
    """Trains in a run folder with new objects, as a new process would."""
    run = RunDir(str(folder))
    config = run.create(config)
    with contextlib.redirect_stderr(io.StringIO()):  # the progress bar
        return Session(run, config, prepare(run, config, lambda _: None), stop).run()


def assert_a_stop_changes_nothing(
    folder: Path, config: TaskConfig, prepare: Callable[..., Any], rng: np.random.Generator
) -> None:
    """Asserts that a run that stops after a random update and is resumed gets the weights of an uninterrupted one."""
    total = train(folder / "whole", config, prepare).update
    stop = int(rng.integers(1, total))
    outcome = train(folder / "parted", config, prepare, StopAfter(stop))
    assert (outcome.finished, outcome.update) == (False, stop)
    assert train(folder / "parted", config, prepare).finished
    whole, parted = (checkpoint.load_arrays(str(folder / name / "model.npz"))[0] for name in ("whole", "parted"))
    for name, array in whole.items():
        assert array.tobytes() == parted[name].tobytes(), (stop, name)
