"""Kinds of flags: numbers with a range, paths, outputs checked before the work, options of a configuration."""

from __future__ import annotations

import math
import os
from typing import Any

from absl import flags

from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.config.common import PATH, Text
from seq2seq_tf.config.loading import Leaf, allowed, check, interval
from seq2seq_tf.errors import InputError

_INT32 = 2**31 - 1
flags.disclaim_key_flags()  # the flags belong to the module that calls these functions


class PathParser(flags.ArgumentParser):
    """Parses a path; `~` is the home folder."""

    syntactic_help = "a path"

    def parse(self, argument: str) -> str:
        """Returns the path."""
        return os.path.expanduser(argument)

    def flag_type(self) -> str:
        """Returns the name of the kind."""
        return "path"


class OutputParser(PathParser):
    """Parses a path to write, which `check_outputs` checks."""

    def __init__(self, folder: bool) -> None:
        super().__init__()
        self.folder = folder


class IntegerParser(flags.IntegerParser):
    """Parses a whole number within a range."""

    def convert(self, argument: Any) -> int:
        """Returns the number."""
        try:
            return super().convert(argument)
        except ValueError:
            raise ValueError("must be a whole number") from None


class NumberParser(flags.FloatParser):
    """Parses a number within a range; NaN is always outside."""

    def is_outside_bounds(self, val: float) -> bool:
        """Returns whether the value is NaN or outside the range."""
        return math.isnan(val) or super().is_outside_bounds(val)

    def convert(self, argument: Any) -> float:
        """Returns the number."""
        try:
            return super().convert(argument)
        except (ValueError, OverflowError):
            raise ValueError("must be a number") from None


class OptionParser(flags.ArgumentParser):
    """Parses the value of an option, checked as in a configuration file."""

    def __init__(self, leaf: Leaf) -> None:
        super().__init__()
        self.leaf = leaf

    def parse(self, argument: str) -> Any:
        """Returns the value; a ValueError explains what is wrong, and absl adds the name of the flag."""
        value: Any = argument
        if self.leaf.type is int:
            try:
                value = int(argument)
            except ValueError:
                raise ValueError("must be a whole number") from None
        try:
            return check(self.leaf, value, "")
        except InputError as error:
            raise ValueError(str(error).removeprefix(": ")) from None

    def flag_type(self) -> str:
        """Returns the name of the kind."""
        return "path" if self.leaf.allowed is PATH else self.leaf.type.__name__


def define_path(name: str, default: str | None, text: str) -> flags.FlagHolder[str | None]:
    """Defines a flag that names a file or folder to read."""
    return flags.DEFINE(PathParser(), name, default, text)


def define_paths(name: str, text: str) -> None:
    """Defines a flag that names a file or folder to read and may be given several times."""
    flags.DEFINE_multi(PathParser(), flags.ArgumentSerializer(), name, [], text)


def define_output(name: str, default: str | None, text: str, *, folder: bool = False) -> flags.FlagHolder[str | None]:
    """Defines a flag that names a file or folder to write; if given, `program.run` checks it at the start."""
    return flags.DEFINE(OutputParser(folder), name, default, text)


def define_integer(name: str, default: int | None, text: str, low: int, high: int = _INT32) -> flags.FlagHolder[Any]:
    """Defines a flag for a whole number within a range; returns the holder of its value."""
    return flags.DEFINE(IntegerParser(low, high), name, default, text)


def define_numbers(name: str, text: str, low: int, high: int = _INT32) -> None:
    """Defines a flag for a whole number within a range that may be given several times."""
    flags.DEFINE_multi(IntegerParser(low, high), flags.ArgumentSerializer(), name, [], text)


def define_float(name: str, default: float | None, text: str, low: float, high: float) -> flags.FlagHolder[Any]:
    """Defines a flag for a number within a range; returns the holder of its value."""
    return flags.DEFINE(NumberParser(low, high), name, default, text)


def define_option(name: str, leaf: Leaf, default: str, text: str = "") -> None:
    """Defines the flag of an option; its value is None if it is not given.

    Args:
      name: name of the flag.
      leaf: the option.
      default: the default as the help text shows it.
      text: text before the option's own help text.
    """
    values = "" if leaf.type is bool or isinstance(leaf.allowed, Text) else allowed(leaf)
    facts = "; ".join(fact for fact in (values, f"default: {default}") if fact)
    text = f"{text}{leaf.help} [{facts}]"
    if leaf.type is bool:
        flags.DEFINE_bool(name, None, text)
    else:
        flags.DEFINE(OptionParser(leaf), name, None, text)


def range_of(parser: Any) -> str:
    """Returns the range of a numeric flag as the help text shows it; "" for other flags."""
    low, high = (getattr(parser, name, None) for name in ("lower_bound", "upper_bound"))
    return interval(low, high) if low is not None and high is not None else ""


def check_outputs(values: flags.FlagValues = flags.FLAGS) -> None:
    """Raises InputError for the first output that cannot be written or that another flag names too."""
    named = [(name, path) for name in values for path in _paths(values[name])]
    for name in values:
        flag = values[name]
        if not (isinstance(flag.parser, OutputParser) and flag.present and flag.value):
            continue
        check_output(flag.value, folder=flag.parser.folder)
        for other, path in named:
            if other != name and os.path.realpath(path) == os.path.realpath(flag.value):
                raise InputError(f"--{name}={flag.value} would overwrite what --{other} names")


def _paths(flag: flags.Flag[Any]) -> list[str]:
    """Returns the paths given by a flag; [] for a flag that is not given or takes no path."""
    if not (isinstance(flag.parser, PathParser) and flag.present and flag.value):
        return []
    return flag.value if isinstance(flag.value, list) else [flag.value]
