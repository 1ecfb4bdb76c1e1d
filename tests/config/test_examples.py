"""Example configurations are found in a checkout and in an installed package, and each can be loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from seq2seq_tf.config import examples
from seq2seq_tf.config.loading import load, task_of
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks import TASKS
from tests.toy import ROOT


def test_a_checkout_has_the_files_of_configs() -> None:
    assert examples.folder() == ROOT / "configs"
    assert examples.names() == sorted(path.stem for path in (ROOT / "configs").iterdir())


def test_an_installed_package_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "configs", tmp_path / "seq2seq_tf" / "configs")
    monkeypatch.setattr(examples, "_PACKAGE", tmp_path / "seq2seq_tf")
    assert examples.path_of("lm_hello") == tmp_path / "seq2seq_tf" / "configs" / "lm_hello.yaml"


@pytest.mark.parametrize("name", examples.names())
def test_an_example_states_what_it_trains_and_is_a_configuration(name: str) -> None:
    path = examples.path_of(name)
    about = examples.about(path.read_text(encoding="utf-8"))
    assert 10 < len(about) < 140
    assert not about.endswith(".")
    assert "docs/" not in about
    load(path, kind=TASKS[task_of(path)])


def test_a_missing_example_gives_a_hint() -> None:
    with pytest.raises(InputError, match=r"^'quikstart' is not an example \(did you mean 'quickstart_en_de'\?\)"):
        examples.path_of("quikstart")
    with pytest.raises(InputError, match="is not an example"):
        examples.path_of("../setup")
    assert examples.path_of("lm_hello.yaml") == examples.path_of("lm_hello")


def test_a_missing_file_with_the_name_of_an_example_gives_a_hint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lm_hello.yaml: no such file \(`seq2seq-config show lm_hello` prints"):
        task_of(tmp_path / "configs" / "lm_hello.yaml")
    with pytest.raises(InputError, match=r"mine.yaml: no such file$"):
        task_of(tmp_path / "mine.yaml")
