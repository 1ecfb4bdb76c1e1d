"""Made-up translation tasks, small enough to learn in seconds, without a corpus to download."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.translation.config import TranslationConfig

ROOT = Path(__file__).resolve().parents[1]
WORDS = tuple(consonant + vowel for consonant in "bdgklmnr" for vowel in "aeiou")  # 40 words of two letters

Translate = Callable[[list[str]], list[str]]

TINY: dict[str, Any] = {
    "data.vocab_size": 60,
    "data.byte_fallback": False,
    "model.embedding_units": 11,
    "model.encoder_units": 7,
    "model.decoder_units": 13,
    "model.attention_units": 5,
    "model.output_units": 11,
    "train.max_epochs": 2,
    "train.batch_tokens": 60,
    "train.pool_pairs": 20,
    "train.learning_rate": 0.01,
    "train.warmup_updates": 3,
    "train.checkpoint_every": 3,
    "train.log_every": 1,
    "train.average_best": 2,
    "train.metric": "loss",
    "train.precision": "float32",
    "train.bleu_tokenizer": "13a",
    "train.shards": 1,
    "search.beam_size": 1,  # the final scores of a beam need another trace
}


class ToyCorpus(NamedTuple):
    """The files of a made-up corpus."""

    train_source: Path
    train_target: Path
    valid_source: Path
    valid_target: Path

    def options(self) -> dict[str, str]:
        """Returns the options that name the files."""
        return {f"data.{field}": str(path) for field, path in self._asdict().items()}


def reversed_words(words: list[str]) -> list[str]:
    """Returns the words in reverse order: a task that cannot be solved from left to right, word by word."""
    return words[::-1]


def sentences(count: int, *, seed: int, longest: int = 6) -> list[list[str]]:
    """Returns sentences of 1 to `longest` words drawn from `WORDS`."""
    random = np.random.default_rng(seed)
    return [[str(w) for w in random.choice(WORDS, random.integers(1, longest + 1))] for _ in range(count)]


def make_corpus(
    folder: Path,
    *,
    seed: int,
    train: int = 37,
    valid: int = 5,
    longest: int = 6,
    translate: Translate = reversed_words,
) -> ToyCorpus:
    """Writes a corpus of made-up sentences and their translations; the same seed gives the same files.

    Args:
      folder: folder to write to; created if missing.
      seed: seed of the sentences.
      train, valid: numbers of pairs.
      longest: words in the longest sentence.
      translate: the task, words -> words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    corpus = ToyCorpus(*(folder / name for name in ("train.src", "train.tgt", "valid.src", "valid.tgt")))
    made = sentences(train + valid, seed=seed, longest=longest)
    for part, source, target in ((made[:train], *corpus[:2]), (made[train:], *corpus[2:])):
        source.write_text("".join(" ".join(words) + "\n" for words in part), encoding="utf-8")
        target.write_text("".join(" ".join(translate(words)) + "\n" for words in part), encoding="utf-8")
    return corpus


def tiny_config(corpus: ToyCorpus, **changes: Any) -> TranslationConfig:
    """Returns a configuration that trains on the corpus in seconds.

    Args:
      corpus: the files.
      **changes: options to change, for example `train__max_epochs=3` for train.max_epochs.
    """
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return load(None, {**TINY, **corpus.options(), **named}).config


def environment() -> dict[str, str]:
    """Returns environment variables for a process that imports this checkout, without TensorFlow's log messages."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p), "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_python(*arguments: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Runs this Python with the arguments in a new process and returns its result."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=environment(),
        cwd=ROOT,
    )


class StopAfter:
    """Requests a stop after the given number of updates."""

    def __init__(self, updates: int) -> None:
        self._left = updates

    def __call__(self) -> bool:
        self._left -= 1
        return self._left == 0
