"""Captioning learns, from scenes to captions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.captioning.captioner import Captioner
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.captioning.grammar import CaptionScores, score_captions
from seq2seq_tf.tasks.captioning.scenes import SceneMaker
from seq2seq_tf.tasks.captioning.task import prepare
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import toy

CONFIG = toy.ROOT / "configs" / "captions_digits.yaml"


def start(folder: Path, options: dict[str, Any], path: Path | None = None, *, stop: int = 0) -> tuple[RunDir, Session]:
    """Returns a run and its session, which asks to stop after `stop` updates; 0 = never."""
    run = RunDir(str(folder))
    config = run.create(load(path, options, CaptioningConfig).config)
    updates = iter(range(1, 10**9))
    return run, Session(run, config, prepare(run, config, lambda _: None), lambda: next(updates) == stop)


def test_the_configuration_of_the_project_trains_two_updates(tmp_path: Path) -> None:
    run, session = start(tmp_path, {"data.valid_scenes": 3}, CONFIG, stop=2)
    outcome = session.run()
    assert (outcome.finished, outcome.update) == (False, 2)
    assert run.latest_checkpoint() == run.checkpoint_file(2)
    assert session.updates_planned == 3000


def learn(folder: Path, options: dict[str, Any]) -> CaptionScores:
    """Trains to the end and scores captions of 300 test scenes."""
    run, session = start(folder, {"train.checkpoint_every": 10_000, **options}, CONFIG)
    assert session.run().finished
    captioner = Captioner.load(run.path)
    maker = SceneMaker("test", captioner.config.data)
    scenes = maker.scenes(300)
    captions = [caption.text for caption in captioner.describe(maker.draw(scenes))]
    return score_captions(captions, [scene.caption for scene in scenes])


@pytest.mark.slow
def test_the_position_of_a_digit_is_learnt_in_seconds(tmp_path: Path, run_seed: int) -> None:
    options = {
        "data.max_digits": 1,
        "data.train_scenes": 6400,
        "data.valid_scenes": 50,
        "model.filters": 8,
        "model.halvings": 3,
        "model.decoder_units": 48,
        "train.seed": run_seed,
        "train.max_epochs": 1,
        "train.batch_size": 32,
        "train.learning_rate": 0.004,
        "train.warmup_updates": 30,
    }
    scores = learn(tmp_path, options)
    assert scores.layouts.share >= 0.9, scores


@pytest.mark.slow
def test_75_percent_of_captions_of_digit_pairs_are_exact(tmp_path: Path, run_seed: int) -> None:
    options = {"data.max_digits": 2, "data.train_scenes": 12_800, "train.max_epochs": 6, "train.seed": run_seed}
    scores = learn(tmp_path, options)
    assert scores.exact.share >= 0.75, scores
