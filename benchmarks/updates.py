"""Shared by the benchmarks of training: a run folder, new or existing, and single timed updates."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import Batch
from seq2seq_tf.tasks.translation.config import TranslationConfig

_RATE = 1e-4  # any learning rate takes the same time


class Updates(NamedTuple):
    """Times and token counts of some updates."""

    seconds: float
    loading: float  # the part of these seconds spent making batches
    source_tokens: int  # without padding, with the end of the sentence
    target_tokens: int


class TimedTraining:
    """Training in a run folder, one update at a time; no checkpoints are saved.

    Args:
      folder: created if missing.
      config: `auto` values are decided for this machine.
      say: receives the messages of preparation.
    """

    def __init__(self, folder: str, config: TranslationConfig, say: Callable[[str], None] = lambda _: None) -> None:
        from seq2seq_tf.tasks.translation.task import prepare
        from seq2seq_tf.training.run_dir import RunDir
        from seq2seq_tf.training.trainer import Trainer

        run = RunDir(folder)
        self.config = run.create(config)
        self.task = prepare(run, self.config, say)
        self.trainer = Trainer(self.task.model, self.config.train, self.task.batch_spec, self.task.carry_spec)
        self._done = 0

    def time(self, planned: Sequence[np.ndarray]) -> Updates:
        """Trains on planned batches of the first epoch, one update each."""
        seconds = loading = 0.0
        source = target = 0
        batches = self.task.load(0, planned)
        for _ in planned:
            begin = time.perf_counter()
            batch: Batch = next(batches)
            loaded = time.perf_counter()
            tokens = self.update(batch)
            seconds += time.perf_counter() - begin
            loading += loaded - begin
            source += int((batch.source != 0).sum())
            target += tokens
        return Updates(seconds, loading, source, target)

    def update(self, batch: Any) -> int:
        """Performs one update and returns its number of real target tokens."""
        result, _ = self.trainer.update([batch], self.task.first_carry(), self._done, _RATE)
        self._done += 1
        return int(result.weight)

    def traces(self) -> int:
        """Returns how many times the update was traced."""
        return int(self.trainer._update_one.experimental_get_tracing_count())


def with_data(config: TranslationConfig, folder: str) -> dict[str, str]:
    """Returns overrides that take the files of `config`, under the same names, from another folder.

    Raises:
      InputError: a file is missing there.
    """
    overrides = {}
    for side in ("source", "target"):
        for part in ("train", "valid", "test"):
            name = os.path.basename(getattr(config.data, f"{part}_{side}"))
            path = os.path.join(folder, name)
            if not name or not os.path.isfile(path):
                raise InputError(f"{path}: no such file (data: seq2seq-data fetch-multi30k)")
            overrides[f"data.{part}_{side}"] = path
    return overrides
