"""Runs commands of seq2seq-inspect, each in its own process, and collects what they wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.trained import Call, Ended, run_programs

PNG = b"\x89PNG\r\n\x1a\n"
INPUT = b"\nka be\r\n  \n\xef\xbf\xbd\nlo\n"


class Inspected(NamedTuple):
    """Exit codes and output of commands, and the folder with the files that they wrote."""

    ended: dict[str, Ended]
    folder: Path


def inspect(commands: Mapping[str, Sequence[str]], folder: Path, stdin: Mapping[str, bytes]) -> Inspected:
    """Runs commands, name -> arguments, with `stdin` or else INPUT on standard input."""
    calls = {name: Call("inspect", flags, stdin.get(name, INPUT)) for name, flags in commands.items()}
    return Inspected(run_programs(calls), folder)


def ok(inspected: Inspected, name: str) -> str:
    """Returns what a command printed, after checking that it succeeded."""
    ended = inspected.ended[name]
    assert ended.code == 0, ended
    return ended.stdout
