"""A tiny run trained once for all tests that need one: it has learnt something, so its outputs differ and end."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from seq2seq_tf.training.preparation import prepare
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests.toy import make_corpus, tiny_config


def train_toy_run(folder: Path) -> Path:
    """Makes a corpus and trains on it until done; returns the run folder. The valid set is its test set too."""
    corpus = make_corpus(folder / "corpus", seed=7, train=900, valid=11)
    config = tiny_config(
        corpus,
        data__test_source=str(corpus.valid_source),
        data__test_target=str(corpus.valid_target),
        model__embedding_units=23,
        model__output_units=23,
        model__encoder_units=19,
        model__decoder_units=29,
        model__attention_units=17,
        model__embedding_dropout=0.0,
        model__encoder_dropout=0.0,
        model__output_dropout=0.0,
        train__max_epochs=4,
        train__batch_tokens=100,
        train__pool_pairs=300,
        train__checkpoint_every=1000,
        train__log_every=1000,
        search__beam_size=3,
    )
    run = RunDir(str(folder / "run"))
    config = run.create(config)
    with contextlib.redirect_stderr(io.StringIO()):  # the progress bar
        outcome = Session(run, config, prepare(run, config, lambda line: None), lambda: False).run()
    assert outcome.finished
    return folder / "run"
