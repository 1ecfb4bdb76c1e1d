"""The version is written in one place, and every program prints it without loading TensorFlow."""

from __future__ import annotations

import re
import sys
from importlib import metadata

import pytest

from seq2seq_tf.cli import program, programs
from seq2seq_tf.version import __version__
from tests.programs import COMMANDS, WITHOUT_RUN, call
from tests.toy import ROOT, run_python


def test_the_version_is_defined_in_one_file() -> None:
    number = re.compile(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])")
    files = [*(ROOT / "seq2seq_tf").rglob("*.py"), ROOT / "setup.cfg", ROOT / "setup.py", ROOT / "pyproject.toml"]
    found = [path.name for path in files if number.search(path.read_text(encoding="utf-8"))]
    assert found == ["version.py"]


@pytest.mark.parametrize("name", [*COMMANDS, *WITHOUT_RUN])
def test_every_command_prints_the_version(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [f"/bin/seq2seq-{name}"])
    told = call(name, "--version")
    assert (told.code, told.stderr) == (0, "")
    below = f"TensorFlow {metadata.version('tensorflow')}, Keras {metadata.version('keras')}"
    python = ".".join(map(str, sys.version_info[:3]))
    assert told.stdout == f"seq2seq-{name.split()[0]} {__version__} (Python {python}, {below})\n"


@pytest.mark.parametrize("name", [name for name, of in programs.programs().items() if "" not in of])
def test_a_program_with_commands_prints_the_version_without_a_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [f"/bin/{name}", "--version"])
    for stream in ("stdout", "stderr"):
        monkeypatch.setattr(sys, stream, getattr(sys, stream))  # the program replaces them
    with pytest.raises(SystemExit) as ended:
        program.run_commands(programs.programs()[name])
    assert ended.value.code == 0
    assert capfd.readouterr().out.startswith(f"{name} {__version__} (Python ")


def test_printing_the_version_does_not_load_tensorflow() -> None:
    done = run_python("-X", "importtime", "-m", "seq2seq_tf.cli.train", "--version")
    assert done.stdout.startswith(f"seq2seq_tf {__version__} ")
    assert "seq2seq_tf.cli.train" in done.stderr
    assert not re.search(r"\| +(tensorflow|keras)$", done.stderr, re.MULTILINE)
