"""The page that --help prints: what a program does, examples, and its flags by section with default and range."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable

from absl import flags

from seq2seq_tf.cli.flag_types import range_of
from seq2seq_tf.version import __version__

_COLUMN = 32  # in which the meaning of a flag begins
_LIBRARIES = ("absl", "keras", "tensorboard", "tensorflow")  # they define flags of their own when imported
_REPEAT = "; repeat this option to specify a list of values"  # added by absl; our texts say "several times"
_NARROWEST, _WIDEST = 60, 120


def program_name() -> str:
    """Returns the name by which the program was started, with its command."""
    path, _, command = sys.argv[0].partition(" ")
    name = os.path.basename(path)
    if name.endswith(".py"):
        spec = getattr(sys.modules["__main__"], "__spec__", None)
        name = f"python -m {spec.name}" if spec else f"python {path}"
    return f"{name} {command}".strip()


def version_line() -> str:
    """Returns the version of the program and, without importing them, those of Python, TensorFlow and Keras."""
    from importlib import metadata  # slow to import

    below = [f"Python {platform.python_version()}"]
    for name in ("TensorFlow", "Keras"):
        with contextlib.suppress(metadata.PackageNotFoundError):  # a build of TensorFlow under another name
            below.append(f"{name} {metadata.version(name.lower())}")
    started = program_name().split()[0]
    return f"{'seq2seq_tf' if started == 'python' else started} {__version__} ({', '.join(below)})\n"


def help_page(about: str, text: str, values: flags.FlagValues, *, operand: str = "", everything: bool = False) -> str:
    """Returns the help page of a program or command.

    Args:
      about: what the program does.
      text: examples or more explanation.
      values: the flags.
      operand: the flag whose value may be given without its name.
      everything: whether to list absl's own flags too, at the end.
    """
    width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
    sections = own_flags(values)
    parts = [
        f"{program_name()}: {about}",
        f"usage: {program_name()}{f' {operand.upper()}' * bool(operand)} --flag=value ...",
    ]
    if text.strip():
        parts.append(textwrap.indent(textwrap.dedent(text).strip("\n"), "  "))
    parts += [_block(_title(name), found, width) for name, found in sections.items() if found]
    if everything:
        parts.append(_block("flags of absl, for logging and debugging", _flags_of_absl(values), width))
    else:
        parts.append(textwrap.fill("--helpfull also lists absl's own flags, for logging and debugging.", width))
    return "\n\n".join(parts) + "\n"


def own_flags(values: flags.FlagValues) -> dict[str, list[flags.Flag]]:
    """Returns section -> flags of the program, in order of definition; flags without a section are under ""."""
    found: dict[str, list[flags.Flag]] = {"": []}
    for module, defined in values.flags_by_module_dict().items():
        if module.split(".")[0] not in _LIBRARIES:
            for flag in defined:
                found.setdefault(flag.name.rpartition(".")[0], []).append(flag)
    return found


def _flags_of_absl(values: flags.FlagValues) -> list[flags.Flag]:
    modules = values.flags_by_module_dict()
    return [flag for module, defined in modules.items() if module.startswith("absl.") for flag in defined]


def _title(section: str) -> str:
    return f"options of section {section}, in a file or as a flag" if section else "flags"


def _block(title: str, shown: Iterable[flags.Flag], width: int) -> str:
    return "\n".join([f"{title}:", *(_entry(flag, width) for flag in shown)])


def _entry(flag: flags.Flag, width: int) -> str:
    """Returns a flag and its meaning, which begins in its own column, or on the next line if the flag is long."""
    name = f"  --{'[no]' if flag.boolean else ''}{flag.name}{'' if flag.boolean else f'={_placeholder(flag)}'}"
    room = " " * _COLUMN
    lines = textwrap.wrap(_meaning(flag), width, initial_indent=room, subsequent_indent=room, break_on_hyphens=False)
    if len(name) < _COLUMN - 1 and lines:
        lines[0] = name.ljust(_COLUMN) + lines[0].lstrip()
        return "\n".join(lines)
    return "\n".join([name, *lines])


def _placeholder(flag: flags.Flag) -> str:
    if choices := getattr(flag.parser, "enum_values", None):
        return "|".join(choices)
    return {"int": "N", "float": "X", "path": "PATH"}.get(flag.parser.flag_type(), "TEXT")


def help_text(flag: flags.Flag) -> str:
    """Returns the help text of a flag without absl's additions."""
    text = re.sub(r"^<[^<>]*>: ", "", " ".join((flag.help or "").split()))  # absl prepends the choices
    return text.removesuffix(_REPEAT)


def _meaning(flag: flags.Flag) -> str:
    """Returns the help text with range and default, unless the text already states the default."""
    text = help_text(flag)
    if "default:" in text:
        return text
    value = ",".join(flag.default) if isinstance(flag.default, list) else flag.default_unparsed
    default = "" if flag.default in (None, "", []) or flag.boolean else f"default: {value}"
    if flag.boolean and flag.default is not None:
        default = f"default: {str(flag.default).lower()}"
    facts = "; ".join(fact for fact in (range_of(flag.parser), default) if fact)
    return f"{text} [{facts}]" if facts else text
