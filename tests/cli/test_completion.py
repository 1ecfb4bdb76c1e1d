"""Completion scripts contain every command and flag; a real bash completes with its script as a user sees it."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.cli.completion import SHELLS, script, words_of
from seq2seq_tf.cli.programs import programs

PROGRAMS = programs()
BASH = ["bash", "--norc", "--noprofile"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the scripts, and a few files to complete."""
    made = tmp_path_factory.mktemp("shell")
    for shell in SHELLS:
        (made / f"script.{shell}").write_text(script(shell, PROGRAMS))
    (made / "runs" / "de en").mkdir(parents=True)
    (made / "rules.txt").touch()
    return made


def completed(folder: Path, *words: str) -> set[str]:
    """Returns what bash offers for the last word; the words are split as bash splits a line."""
    quoted = " ".join(f"'{word}'" for word in words)
    ask = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _seq2seq_tf; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        [*BASH, "-c", f"source script.bash; {ask}"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.splitlines()) - {""}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_program_command_and_flag_is_in_the_script(folder: Path, shell: str) -> None:
    text = (folder / f"script.{shell}").read_text()
    words = set(re.findall(r"[\w.-]+", text.replace("--", " ").replace("-l ", " ")))
    for name, commands in PROGRAMS.items():
        assert name in words
        assert set(commands) - {""} <= words
        for command in commands.values():
            assert {word.name for word in words_of(command)} - {""} <= words


@pytest.mark.parametrize("shell", ["bash", *(shell for shell in ("fish", "zsh") if shutil.which(shell))])
def test_an_installed_shell_accepts_its_script(folder: Path, shell: str) -> None:
    done = subprocess.run([shell, "-n", f"script.{shell}"], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", [name for name, commands in PROGRAMS.items() if "" not in commands])
def test_bash_completes_commands(folder: Path, name: str) -> None:
    assert completed(folder, name, "") == {*PROGRAMS[name], "--help", "--version"}
    first = next(iter(PROGRAMS[name]))
    assert first in completed(folder, name, first[:2])
    assert completed(folder, f"/some/where/{name}", first) >= {first}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["seq2seq-lm", "sample", "--te"], {"--temperature="}),
        (["seq2seq-translate", "--outp"], {"--output="}),
        (["seq2seq-translate", "--nopro"], {"--noprogress"}),
        (["seq2seq-train", "--train.max_"], {"--train.max_epochs=", "--train.max_minutes=", "--train.max_updates="}),
        (["seq2seq-translate", "--output", "="], {"text", "jsonl"}),
        (["seq2seq-translate", "--output", "=", "js"], {"jsonl"}),
        (["seq2seq-translate", "--output", "te"], {"text"}),
        (["seq2seq-translate", "--output=te"], {"--output=text"}),  # as split by a COMP_WORDBREAKS without =
        (["seq2seq-train", "--train.optimizer", "=", "ada"], {"adadelta", "adagrad", "adam", "adamw"}),
        (["seq2seq-translate", "--model_dir", "=", "ru"], {"runs", "rules.txt"}),
        (["seq2seq-translate", "--model_dir", "runs/"], {"runs/de en"}),
        (["seq2seq-translate", "--beam_size", "=", ""], set()),
        (["seq2seq-translate", "--progress", "--outp"], {"--output="}),
        (["seq2seq-config", "completion", ""], {"bash", "fish", "zsh", "--help", "--version"}),
        (["seq2seq-config", "show", "quick"], {"quickstart_en_de"}),
        (["seq2seq-config", "shwo", ""], set()),
    ],
    ids=lambda x: " ".join(sorted(x) if isinstance(x, set) else x),
)
def test_bash_completes_flags_choices_and_files(folder: Path, words: list[str], offered: set[str]) -> None:
    assert completed(folder, *words) == offered


def typed(folder: Path, line: str, ends: str) -> str:
    """Returns what an interactive bash shows for typed keys, up to a line that ends with `ends`."""
    terminal, other_end = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "PS1": "> ", "HISTFILE": "/dev/null"}
    streams: dict[str, Any] = {"stdin": other_end, "stdout": other_end, "stderr": other_end}
    shown = ""
    with subprocess.Popen([*BASH, "-i"], cwd=folder, env=environment, start_new_session=True, **streams) as process:
        os.close(other_end)
        os.write(terminal, f"source script.bash\n{line}".encode())
        while not shown.endswith(ends) and select.select([terminal], [], [], 20)[0]:
            shown += os.read(terminal, 4096).decode()
        os.close(terminal)
        process.kill()
    return shown


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("seq2seq-config show qui\t", "seq2seq-config show quickstart_en_de "),
        ("seq2seq-translate --outp\tjs\t", "seq2seq-translate --output=jsonl "),
        ("seq2seq-translate --model_dir=runs/d\t", r"seq2seq-translate --model_dir=runs/de\ en/"),
    ],
)
def test_a_line_typed_in_bash_is_completed(folder: Path, line: str, whole: str) -> None:
    assert typed(folder, line, whole).endswith(whole)
