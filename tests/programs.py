"""Every program and command in this process: its flags parsed, its main function called, its exit code and output."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator

from absl import flags

from seq2seq_tf.cli import caption, classify, data, evaluate, export, inspect, lm, program, tag, train, translate
from seq2seq_tf.cli.program import Command
from tests.trained import Ended

COMMANDS: dict[str, Command] = {
    **{module.__name__.rpartition(".")[2]: module.COMMAND for module in (train, translate, evaluate, export)},
    **{
        f"{module.__name__.rpartition('.')[2]} {name}": command
        for module in (lm, classify, tag, caption, inspect)
        for name, command in module.COMMANDS.items()
    },
}


CORPUS = {f"data {name}": command for name, command in data.COMMANDS.items()}
TRAINING = [name for name in COMMANDS if name.endswith("train")]


@contextlib.contextmanager
def defined(name: str) -> Iterator[list[flags.Flag]]:
    """Inside, the flags of the command, and of no other program, are defined; yields them."""
    others = [flag for flag in flags.FLAGS if not str(flags.FLAGS.find_module_defining_flag(flag)).startswith("absl")]
    imported = {flag: flags.FLAGS[flag] for flag in others}  # a benchmark that another test imported has flags too
    for flag in imported:
        delattr(flags.FLAGS, flag)
    before = set(flags.FLAGS)
    try:
        {**COMMANDS, **CORPUS}[name].define_flags()
        yield [flags.FLAGS[flag] for flag in flags.FLAGS if flag not in before]
    finally:
        for flag in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, flag)
        for flag, kept in imported.items():
            flags.FLAGS[flag] = kept


def call(name: str, *arguments: str) -> Ended:
    """Runs a command with these flags."""
    command = {**COMMANDS, **CORPUS}[name]
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
    """Returns flag -> its type and its parser."""
    with defined(name) as found:
        return {flag.name: (flag.parser.flag_type(), flag.parser) for flag in found}
