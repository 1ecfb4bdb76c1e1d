"""Settings and fixtures of all tests: a quiet TensorFlow, the seed of the run (`seed_option.py`), a tiny translator."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported anywhere
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as programs do

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from seq2seq_tf.tasks.translation.translator import Translator
    from tests.trained import Exported

pytest_plugins = ("tests.seed_option",)


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a tiny translator that has learnt a little."""
    from tests.trained import train_toy_run

    return train_toy_run(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def translator(toy_run: Path) -> Translator:
    """The tiny translator; tests must not change its weights."""
    from seq2seq_tf.tasks.translation.translator import Translator

    return Translator.load(str(toy_run))


@pytest.fixture(scope="session")
def exported(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """SavedModels of the tiny translator, written by the export program."""
    from tests.trained import Call, Exported, run_program

    folder = tmp_path_factory.mktemp("exports") / "toy"
    return Exported(folder, run_program(Call("export", [f"--model_dir={toy_run}", f"--out={folder}"])))


@pytest.fixture(scope="session")
def language_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a language model trained for one epoch."""
    from tests import language_models

    folder = tmp_path_factory.mktemp("language")
    data = language_models.write_folder(folder / "text")
    language_models.train(folder / "run", language_models.config(data, train__max_epochs=1))
    return folder / "run"
