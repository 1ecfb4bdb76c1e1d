"""Commands of seq2seq-inspect, each in a process of its own, and what they wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.trained import Call, Ended, run_programs

PNG = b"\x89PNG\r\n\x1a\n"
INPUT = b"\nka be\r\n  \n\xef\xbf\xbd\nlo\n"


class Inspected(NamedTuple):
    """How commands ended, and the folder with what they wrote."""

    ended: dict[str, Ended]
    folder: Path


def inspect(commands: Mapping[str, Sequence[str]], folder: Path, stdin: Mapping[str, bytes]) -> Inspected:
    """Runs commands, name -> arguments, with INPUT or what is given on standard input."""
    calls = {name: Call("inspect", flags, stdin.get(name, INPUT)) for name, flags in commands.items()}
    return Inspected(run_programs(calls), folder)


def ok(inspected: Inspected, name: str) -> str:
    """Returns what a command printed that ended well."""
    ended = inspected.ended[name]
    assert ended.code == 0, ended
    return ended.stdout
