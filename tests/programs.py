"""Every program and command in this process: its flags parsed, its main function called, its exit code and output."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import runpy
from collections.abc import Iterator
from pathlib import Path

from absl import flags

from seq2seq_tf.cli import caption, classify, evaluate, export, inspect, lm, program, tag, train, translate
from seq2seq_tf.cli.program import Command
from tests.toy import ROOT
from tests.trained import Ended

COMMANDS: dict[str, Command] = {
    **{module.__name__.rpartition(".")[2]: module.COMMAND for module in (train, translate, evaluate, export)},
    **{
        f"{module.__name__.rpartition('.')[2]} {name}": command
        for module in (lm, classify, tag, caption, inspect)
        for name, command in module.COMMANDS.items()
    },
}


def _script(path: Path) -> Command:
    """Returns a program of data_scripts/, whose flags are defined when it is executed; its main function is not run."""
    about = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[0]
    return Command(about, lambda: runpy.run_path(str(path)) and None, lambda: 0)


SCRIPTS = {path.stem: _script(path) for path in sorted((ROOT / "data_scripts").glob("*.py"))}
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
        {**COMMANDS, **SCRIPTS}[name].define_flags()
        yield [flags.FLAGS[flag] for flag in flags.FLAGS if flag not in before]
    finally:
        for flag in set(flags.FLAGS) - before:
            delattr(flags.FLAGS, flag)
        for flag, kept in imported.items():
            flags.FLAGS[flag] = kept


def call(name: str, *arguments: str) -> Ended:
    """Runs a command with these flags."""
    command = {**COMMANDS, **SCRIPTS}[name]
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
