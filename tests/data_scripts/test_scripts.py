"""data_scripts/ holds the commands of seq2seq-data under their file names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq_tf.cli import data
from tests.toy import ROOT, environment

SCRIPTS = sorted((ROOT / "data_scripts").glob("*.py"))


def started(script: Path, folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *flags]
    return subprocess.run(command, cwd=folder, env=environment(), text=True, capture_output=True, check=False)


def command_of(script: Path) -> str:
    """Returns the command of seq2seq-data that a script's docstring names."""
    (name,) = re.findall(r"`seq2seq-data ([\w-]+)`", ast.get_docstring(ast.parse(script.read_text())) or "")
    return name


def test_every_command_has_its_script() -> None:
    assert sorted(map(command_of, SCRIPTS)) == sorted(data.COMMANDS)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_the_command_that_it_names(script: Path, tmp_path: Path) -> None:
    done = started(script, tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert data.COMMANDS[command_of(script)].help in done.stdout
    assert f"seq2seq-data {command_of(script)} --" in done.stdout


def test_a_script_takes_the_flags_of_its_command_and_returns_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "train.en").write_text("one\n")
    (tmp_path / "train.de").write_bytes(b"eins \xe4\n")
    flags = ["--source_lang=en", "--target_lang=de", "--train=train"]
    done = started(ROOT / "data_scripts" / "doctor.py", tmp_path, *flags)
    assert (done.returncode, done.stderr) == (1, "")
    assert "invalid UTF-8" in done.stdout
