"""Captioning as a task: reproducible batches, and an interrupted run ends with the weights of an uninterrupted one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.captioning.task import CaptioningTask, prepare
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session

TINY: dict[str, Any] = {
    "data.train_scenes": 50,
    "data.valid_scenes": 7,
    "model.filters": 3,
    "model.embedding_units": 5,
    "model.decoder_units": 13,
    "model.attention_units": 11,
    "model.output_units": 7,
    "train.max_epochs": 2,
    "train.batch_size": 23,
    "train.checkpoint_every": 2,
    "train.log_every": 1,
    "train.average_best": 2,
    "train.metric": "loss",
    "train.precision": "float32",
    "train.shards": 1,
    "search.beam_size": 1,
}


def start(folder: Path, options: dict[str, Any], path: Path | None = None, *, stop: int = 0) -> tuple[RunDir, Session]:
    """Returns a run and its session, which stops after `stop` updates; 0 = never."""
    run = RunDir(str(folder))
    config = run.create(load(path, options, CaptioningConfig).config)
    updates = iter(range(1, 10**9))
    return run, Session(run, config, prepare(run, config, lambda _: None), lambda: next(updates) == stop)


@pytest.mark.slow
def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole, session = start(tmp_path / "whole", TINY)
    assert session.run().update == 6
    for stop in (3, 0):
        parts, session = start(tmp_path / "parts", TINY, stop=stop)
        assert session.run().finished == (stop == 0)
    expected, got = (checkpoint.load_arrays(run.final_model)[0] for run in (whole, parts))
    assert set(got) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(got[name], array, err_msg=name)


def test_batches_are_a_function_of_seed_and_epoch(tmp_path: Path) -> None:
    run = RunDir(str(tmp_path))
    config = run.create(load(None, TINY, CaptioningConfig).config)
    one, other = (prepare(run, config, lambda _: None) for _ in range(2))

    def batches(task: CaptioningTask, epoch: int) -> list[np.ndarray]:
        return [x for batch in task.load(epoch, task.plan(epoch).batches) for x in batch]

    later, first = batches(one, 1), batches(one, 0)  # whatever was planned before
    for mine, theirs in zip(first, batches(other, 0), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not np.array_equal(later[0], first[0])
    real = sum(int(np.count_nonzero(ids)) for ids in first[2::3])
    np.testing.assert_allclose(one.plan(0).padding, 1.0 - real / sum(ids.size for ids in first[2::3]))
