"""All programs of the package with their commands and flags, for code that handles all of them."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator, Mapping

from absl import flags

from seq2seq_tf import cli
from seq2seq_tf.cli.program import Command

PREFIX = "seq2seq-"


def programs() -> dict[str, Mapping[str, Command]]:
    """Returns program -> its commands; a program without commands has a single one, named "".

    A module NAME of this package that has an entry point `run` and COMMANDS or COMMAND is the program seq2seq-NAME.
    """
    found: dict[str, Mapping[str, Command]] = {}
    for entry in pkgutil.iter_modules(cli.__path__):
        module = importlib.import_module(f"{cli.__name__}.{entry.name}")
        if hasattr(module, "run") and hasattr(module, "COMMANDS"):
            found[PREFIX + entry.name] = module.COMMANDS
        elif hasattr(module, "run") and hasattr(module, "COMMAND"):
            found[PREFIX + entry.name] = {"": module.COMMAND}
    return found


@contextlib.contextmanager
def defined(command: Command) -> Iterator[list[flags.Flag]]:
    """Defines the flags of the command, and of no other command, inside the context; yields them."""
    values = flags.FLAGS
    others = [name for name in values if not str(values.find_module_defining_flag(name)).startswith("absl")]
    kept = {name: values[name] for name in others}
    for name in kept:
        delattr(values, name)
    before = set(values)
    try:
        command.define_flags()
        yield [values[name] for name in values if name not in before]
    finally:
        for name in set(values) - before:
            delattr(values, name)
        for name, flag in kept.items():
            values[name] = flag
