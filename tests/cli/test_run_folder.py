"""The run folder is checked before TensorFlow is imported, and weights that are not final are reported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from absl import flags

from seq2seq_tf.cli import run_folder
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.training.weights import Weights
from tests.programs import defined


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder named by --model_dir, with the configuration of a translator."""
    (tmp_path / "config.yaml").write_text("task: translation\n", encoding="utf-8")
    with defined("translate"):
        flags.FLAGS(["translate", f"--model_dir={tmp_path}"])
        yield tmp_path


def test_a_run_is_accepted_for_its_task_and_the_error_for_another_task_names_its_program(folder: Path) -> None:
    assert run_folder.model_dir(TranslationConfig) == str(folder)
    assert run_folder.task_of_run() == (str(folder), "translation")
    with pytest.raises(InputError, match=f"{folder}: this is a run of translation, made by seq2seq-train: use "):
        run_folder.model_dir(CaptioningConfig)


def test_a_folder_that_is_not_a_run_is_named(folder: Path) -> None:
    (folder / "config.yaml").unlink()
    with pytest.raises(InputError, match="not a run folder"):
        run_folder.task_of_run()
    flags.FLAGS(["translate"])
    flags.FLAGS["model_dir"].value = None
    with pytest.raises(InputError, match="--model_dir must name the run folder"):
        run_folder.task_of_run()


class Loaded:
    """A loaded run."""

    def __init__(self, *, final: bool) -> None:
        self.weights = Weights(final, "best checkpoint", 7, 0, "runs/x/model.npz")


@pytest.mark.parametrize(
    ("final", "terminal", "begin"), [(False, False, "warning: "), (True, True, "runs/x"), (True, False, "")]
)
def test_weights_that_are_not_final_are_always_reported_and_final_ones_only_on_a_terminal(
    final: bool, terminal: bool, begin: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    loaded = Loaded(final=final)
    assert run_folder.say_weights(loaded) is loaded
    said = capsys.readouterr().err
    assert said.startswith(begin)
    assert bool(said) == bool(begin)
