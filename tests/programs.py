"""Runs programs and commands in this process: parses flags, calls the main function, returns exit code and output."""

from __future__ import annotations

import contextlib
import functools
import io

from absl import flags

from seq2seq_tf.cli import program, programs
from tests.trained import Ended

_ALL = {
    f"{program_name.removeprefix(programs.PREFIX)} {command}".strip(): entry
    for program_name, of in programs.programs().items()
    for command, entry in of.items()
}
WITHOUT_RUN = {name: entry for name, entry in _ALL.items() if name.split()[0] in ("config", "data")}
COMMANDS = {name: entry for name, entry in _ALL.items() if name not in WITHOUT_RUN}
TRAINING = [name for name in COMMANDS if name.endswith("train")]


def defined(name: str) -> contextlib.AbstractContextManager[list[flags.Flag]]:
    """Defines the flags of the command, and of no other command, inside the context; yields them."""
    return programs.defined(_ALL[name])


def call(name: str, *arguments: str) -> Ended:
    """Runs a command with the given flags."""
    command = _ALL[name]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), defined(name):
        try:
            program.parse(command, [f"seq2seq-{name}", *arguments])
            code = program.exit_code(command)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Ended(code, out.getvalue(), err.getvalue())


@functools.cache
def kinds_of_flags(name: str) -> dict[str, tuple[str, object]]:
    """Returns flag -> its type and parser."""
    with defined(name) as found:
        return {flag.name: (flag.parser.flag_type(), flag.parser) for flag in found}
