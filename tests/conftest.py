"""Quiet TensorFlow, and random numbers that a failing run can repeat: SEED=123 pytest ...

Hypothesis draws the same examples in each run, so that a change is judged by what it changed; `make test-all` draws
new ones (--hypothesis-profile=default).
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported anywhere
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as programs do

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from seq2seq_tf.tasks.translation.translator import Translator
    from tests.trained import Exported

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

SEED = int(os.environ.get("SEED", "17"))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random arrays; no test pastes numbers that depend on the seed."""
    return np.random.default_rng(SEED)


@pytest.fixture
def seed() -> int:
    """Seeds the initial weights of layers. Not automatic: importing Keras takes seconds that other tests save."""
    import keras

    keras.utils.set_random_seed(SEED)
    return SEED


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a tiny translator that has learnt a little."""
    from tests.trained import train_toy_run

    return train_toy_run(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def translator(toy_run: Path) -> Translator:
    """The tiny translator; tests leave its weights as they are."""
    from seq2seq_tf.tasks.translation.translator import Translator

    return Translator.load(str(toy_run))


@pytest.fixture(scope="session")
def exported(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """SavedModels of the tiny translator, made by the export program."""
    from tests.trained import Call, Exported, run_program

    folder = tmp_path_factory.mktemp("exports") / "toy"
    return Exported(folder, run_program(Call("export", [f"--model_dir={toy_run}", f"--out={folder}"])))
