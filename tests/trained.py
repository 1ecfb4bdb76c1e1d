"""A tiny translator trained once for all tests that need one, and helpers to run programs on it in new processes.

It has learnt something, so its outputs differ and end.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tests.toy import ROOT, environment, make_corpus, tiny_config

if TYPE_CHECKING:
    from seq2seq_tf.tasks.translation.hypotheses import Hypothesis


def train_toy_run(folder: Path) -> Path:
    """Writes a corpus, whose valid set is also the test set, and trains on it; returns the run folder."""
    from seq2seq_tf.tasks.translation.task import prepare
    from seq2seq_tf.training.run_dir import RunDir
    from seq2seq_tf.training.session import Session

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
        train__max_epochs=6,
        train__batch_tokens=100,
        train__pool_pairs=300,
        train__checkpoint_every=1000,
        train__log_every=1000,
        search__beam_size=3,
        search__max_source_pieces=41,
    )
    run = RunDir(str(folder / "run"))
    config = run.create(config)
    with contextlib.redirect_stderr(io.StringIO()):  # the progress bar
        outcome = Session(run, config, prepare(run, config, lambda line: None), lambda: False).run()
    assert outcome.finished
    return folder / "run"


def copy_run(run: Path, to: Path, *without: str) -> Path:
    """Copies the part of a run folder that translating needs, without the files and folders named in `without`."""
    shutil.copytree(run, to, ignore=shutil.ignore_patterns("data", "tensorboard", *without))
    return to


class Call(NamedTuple):
    """A program to run, with its flags."""

    program: str  # translate, evaluate, ...
    flags: Sequence[str]
    stdin: bytes = b""
    environment: Mapping[str, str] = {}


class Ended(NamedTuple):
    """Exit code and output of a program."""

    code: int
    stdout: str
    stderr: str


def run_program(call: Call) -> Ended:
    """Runs a program to its end."""
    command = [sys.executable, "-m", f"seq2seq_tf.cli.{call.program}", *call.flags]
    variables = {**environment(), **call.environment}
    done = subprocess.run(
        command, input=call.stdin, capture_output=True, check=False, timeout=600, env=variables, cwd=ROOT
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_programs(calls: Mapping[str, Call]) -> dict[str, Ended]:
    """Runs programs two at a time, since most of a start is single-threaded importing; returns name -> result."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(calls, pool.map(run_program, calls.values()), strict=True))


class Exported(NamedTuple):
    """The export of the toy run, and the result of the export program."""

    folder: Path
    ended: Ended


def assert_one_error_line(ended: Ended, *words: str) -> None:
    """Asserts that a program refused its input: with exit code 2 and one line that contains the words."""
    assert ended.code == 2, ended
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith("error: ")
    for word in words:
        assert word in ended.stderr


def assert_same(ours: Hypothesis, theirs: Hypothesis) -> None:
    """Asserts equal texts, pieces and numbers of sentences, and equal scores up to float32 rounding."""
    assert (ours.text, ours.pieces, ours.source_pieces) == (theirs.text, theirs.pieces, theirs.source_pieces)
    np.testing.assert_allclose([ours.score, ours.log_prob], [theirs.score, theirs.log_prob], rtol=1e-4)
    assert len(ours.sentences) == len(theirs.sentences)
