"""Scripts that make a shell complete programs, commands, flags, choices and file names."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jinja2
from absl import flags

from seq2seq_tf.cli.flag_types import OptionParser
from seq2seq_tf.cli.help_page import help_text
from seq2seq_tf.cli.program import Command
from seq2seq_tf.cli.programs import defined
from seq2seq_tf.config.common import Range, Text
from seq2seq_tf.version import __version__

SHELLS = ("bash", "fish", "zsh")
_MAX_HELP = 90  # characters of help beside a flag, in shells that show it
_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader(__package__),
    undefined=jinja2.StrictUndefined,
    comment_start_string="{##",  # the usual {# occurs in the shells' ${#array}
    trim_blocks=True,
    keep_trailing_newline=True,
    lstrip_blocks=True,
)


class Word(NamedTuple):
    """A possible word of a command line: a flag, or a value without a flag, whose name is ""."""

    name: str
    help: str
    takes_value: bool = False
    repeats: bool = False
    is_path: bool = False
    choices: tuple[str, ...] = ()


_EVERYWHERE = (Word("help", "show what the program does, and its flags"), Word("version", "show the version"))


def script(shell: str, programs: Mapping[str, Mapping[str, Command]]) -> str:
    """Returns the script for one of `SHELLS`."""
    words = {name: {command: words_of(entry) for command, entry in of.items()} for name, of in programs.items()}
    template = _TEMPLATES.get_template(f"completion.{shell}")
    return template.render(
        version=__version__,
        programs=programs,
        words=words,
        with_commands=[name for name, of in programs.items() if "" not in of],
        quoted=_quoted_for_fish if shell == "fish" else _quoted,
        escaped=_escaped,
    )


def words_of(command: Command) -> list[Word]:
    """Returns the words that may follow a program or its command."""
    found = []
    with defined(command) as own:
        for flag in own:
            if flag.name == command.operand:
                found.append(_word(flag)._replace(name=""))
            elif flag.boolean:
                found += [Word(flag.name, _help(flag)), Word(f"no{flag.name}", f"not --{flag.name}")]
            else:
                found.append(_word(flag))
    return [*found, *_EVERYWHERE]


def _word(flag: flags.Flag) -> Word:
    parser: Any = flag.parser
    choices: Sequence[str] = getattr(parser, "enum_values", ()) or getattr(parser, "known", ())
    if isinstance(parser, OptionParser) and not isinstance(parser.leaf.allowed, Range | Text):
        choices = parser.leaf.allowed
    return Word(
        flag.name,
        _help(flag),
        takes_value=True,
        repeats=isinstance(flag, flags.MultiFlag),
        is_path=parser.flag_type() == "path",
        choices=tuple(choices),
    )


def _help(flag: flags.Flag) -> str:
    return textwrap.shorten(help_text(flag).split(" [")[0], _MAX_HELP, placeholder=" ...")


def _quoted(text: str) -> str:
    """Returns the text as one word of bash or zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _quoted_for_fish(text: str) -> str:
    return _quoted(text.replace("\\", "\\\\"))


def _escaped(text: str, characters: str) -> str:
    """Returns the text with a backslash before each of the characters, which would be special in its place."""
    return "".join(f"\\{c}" if c in characters else c for c in text)
