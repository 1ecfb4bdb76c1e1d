"""Fixtures that run programs as a user does: each in its own process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.config.loading import load

ROOT = Path(__file__).parents[2]


def allow_only_small_files() -> None:
    """Makes writing more than 4 KiB to a file fail, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Returns a function (command of seq2seq-data, flags...) -> output and exit code, which runs in `tmp_path`."""

    def run(
        name: str, *arguments: object, full_disk: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "seq2seq_tf.cli.data", name, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "*", **environment},
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
            preexec_fn=allow_only_small_files if full_disk else None,
        )

    return run


@pytest.fixture(scope="session")
def caption_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a captioner with random weights."""
    from seq2seq_tf.tasks.captioning.captioner import build_model
    from seq2seq_tf.tasks.captioning.config import CaptioningConfig
    from seq2seq_tf.tasks.captioning.grammar import all_words
    from seq2seq_tf.text.words import WordTokenizer, write_word_tokenizer
    from seq2seq_tf.training import checkpoint
    from seq2seq_tf.training.run_dir import RunDir
    from seq2seq_tf.training.weights import model_variables
    from tests import oracles

    sizes = {"filters": 3, "embedding_units": 5, "decoder_units": 13, "attention_units": 11, "output_units": 7}
    options = {**{f"model.{name}": value for name, value in sizes.items()}, "search.max_words": 5}
    run = RunDir(str(tmp_path_factory.mktemp("captions") / "run"))
    config = run.create(
        load(None, {**options, "train.precision": "float32", "train.shards": 1}, CaptioningConfig).config
    )
    write_word_tokenizer(all_words(), run.labels)
    model = build_model(config, WordTokenizer(run.labels))
    oracles.randomise(model, np.random.default_rng(11), 0.4)
    checkpoint.save(run.final_model, model_variables(model), {"update": 0, "score": 0.0})
    return Path(run.path)
