"""Each configuration of translation trains for two updates on made-up text, at its own sizes."""

from pathlib import Path

import pytest

from seq2seq_tf.config.loading import load, task_of
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.tasks.translation.task import prepare
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import toy

PATHS = [path for path in sorted((toy.ROOT / "configs").glob("*.yaml")) if task_of(path) == "translation"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_configuration_of_translation_trains_two_updates(path: Path, tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=1, train=2000)
    smaller = {"data.vocab_size": 320, "train.batch_tokens": 100, "train.log_every": 1, "train.max_minutes": 0.0}
    run = RunDir(str(tmp_path / "run"))
    config = run.create(load(path, {**corpus.options(), **smaller}, TranslationConfig).config)
    calls = iter((False, True))
    session = Session(run, config, prepare(run, config, lambda _: None), lambda: next(calls))
    outcome = session.run()
    assert (outcome.finished, outcome.update) == (False, 2)
    assert run.latest_checkpoint() == run.checkpoint_file(2)
    assert session.updates_planned > 2
