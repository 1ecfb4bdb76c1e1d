"""Mistakes in the flags of seq2seq-inspect are one line, before any slow work; --help lists commands and flags."""

from __future__ import annotations

import pytest

from tests.trained import Call, assert_one_error_line, run_program


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--model_dir=run", "--text=ka"], ["unknown command", "attention, units, gradients, contexts"]),
        (["attention", "--text=ka"], ["--model_dir"]),
        (["units", "--model_dir=nowhere"], ["nowhere", "not a run folder"]),
        (["attention", "--model_dir=run", "--out=x.pdf"], ["--out", ".png", ".html"]),
        (["units", "--model_dir=run", "--pattern=("], ["regular expression"]),
        (["gradients"], ["--model_dir", "--compare", "--toy"]),
        (["gradients", "--toy", "--x=1,a"], ["--x", "numbers"]),
        (["gradients", "--toy", "--x=1"], ["--x", "two or more"]),
        (["contexts"], ["--model_dir", "several times"]),
        (["contexts", "--model_dir=a", "--model_dir=a"], ["--model_dir", "twice"]),
        (["contexts", "--model_dir=run", "--lengths=2,0"], ["--lengths", "from 1 to 4096", "'2,0'"]),
    ],
)
def test_mistakes_in_flags_are_reported_before_tensorflow_is_imported(flags: list[str], words: list[str]) -> None:
    assert_one_error_line(run_program(Call("inspect", flags)), *words)


def test_help_lists_the_commands_and_the_flags_of_each() -> None:
    commands = run_program(Call("inspect", ["--help"]))
    assert all(command in commands.stdout for command in ("attention", "units", "gradients", "contexts"))
    flags = run_program(Call("inspect", ["units", "--help"]))
    assert (flags.code, flags.stderr) == (0, "")
    assert "--property_kind" in flags.stdout
