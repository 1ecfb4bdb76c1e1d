"""Properties of a text, one value per character, that a hidden unit may have learnt to follow.

Karpathy, Johnson and Fei-Fei (2016), "Visualizing and understanding recurrent networks", found units of character
language models that follow quotes, `if` conditions, indentation and the position in the line. Here each of these is
an array over the characters, which `units.rank_units` compares with all units.

A part of a file does not show whether it starts inside a string: compute properties of whole files with
`properties_of_files`, then select the part with `cut`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError, nearest
from seq2seq_tf.inspection import python_source

KINDS = ("python", "text")
_INDENT = re.compile(r"[ \t]*")
_QUOTED = re.compile('"(?:(?!\n[ \t]*\n)[^"])*"|\u201c[^\u201d\n]*\u201d|\u201e[^\u201c\u201d\n]*[\u201c\u201d]')


class Property(NamedTuple):
    """One property of a text of T characters (or, after `units.per_piece`, of T pieces)."""

    name: str
    kind: str  # "binary" or "number"
    values: np.ndarray  # [T] bool for binary, float32 for number
    description: str


def all_properties(text: str, kind: str = "python", patterns: Sequence[str] = ()) -> list[Property]:
    """Returns every property of a text of this kind; `patterns` are regular expressions, each of which adds one.

    Raises:
      InputError: the kind is unknown, or a pattern is not a regular expression.
    """
    if kind not in KINDS:
        raise InputError(f"kind of text must be one of {', '.join(KINDS)}, got {kind!r}{nearest(kind, KINDS)}")
    return _with_tail(text, "", kind, patterns)


def properties_of_files(
    texts: Sequence[str], separator: str, kind: str = "python", patterns: Sequence[str] = ()
) -> list[Property]:
    """Returns the properties of `separator.join(texts)`, each file read on its own.

    An unclosed bracket or quote in one file thus does not affect the next. A separator belongs to the file before it;
    properties of Python source are 0 on it.

    Raises:
      InputError: the kind is unknown, or a pattern is not a regular expression.
    """
    if not texts:
        return all_properties("", kind, patterns)
    files = [all_properties(texts[-1], kind, patterns)]
    files[:0] = [_with_tail(text, separator, kind, patterns) for text in texts[:-1]]
    return [p[0]._replace(values=np.concatenate([each.values for each in p])) for p in zip(*files, strict=True)]


def _with_tail(text: str, tail: str, kind: str, patterns: Sequence[str]) -> list[Property]:
    """Returns the properties of text + tail, where `tail` need not be Python even if `text` is."""
    whole = text + tail
    if kind == "python":
        special = [p._replace(values=np.pad(p.values, (0, len(tail)))) for p in python_properties(text)]
    else:
        special = [_double_quotes(whole)]
    return [*special, *line_properties(whole), *_classes(whole), *(matches(whole, pattern) for pattern in patterns)]


def cut(properties: Iterable[Property], start: int, stop: int) -> list[Property]:
    """Returns the properties restricted to text[start:stop]."""
    return [p._replace(values=p.values[start:stop]) for p in properties]


def _binary(name: str, values: np.ndarray, description: str) -> Property:
    return Property(name, "binary", np.asarray(values, bool), description)


def _number(name: str, values: np.ndarray, description: str) -> Property:
    return Property(name, "number", np.asarray(values, np.float32), description)


def python_properties(text: str) -> list[Property]:
    """Returns the properties that only Python source has; `python_source` defines them."""
    found = python_source.read(text)
    size = len(text)
    return [
        _binary("inside_quotes", _marked(size, found.quoted), "between the quotes of a string literal"),
        _binary("inside_comment", _marked(size, found.comments), "from a # to the end of its line"),
        _binary("inside_if_condition", _marked(size, found.conditions), "between if or elif and its colon"),
        _number("block_depth", found.block_depth, "indentation levels of the statement"),
        _number("bracket_depth", found.bracket_depth, "number of (, [ and { open around the character"),
    ]


def line_properties(text: str) -> list[Property]:
    """Returns the position of each character in its line. Only LF ends a line, and it is the line's last character."""
    places = np.arange(len(text))
    ends = np.array([match.start() for match in re.finditer("\n", text)], int)
    line = np.searchsorted(ends, places)  # [T] line number; an LF belongs to the line that it ends
    starts = np.concatenate([[0], ends + 1])
    position = places - starts[line]
    distance = np.append(ends, len(text))[line] - places
    indents = (_INDENT.match(text, start) for start in starts.tolist())
    columns = np.array([len(indent.group().expandtabs(8)) if indent else 0 for indent in indents])
    return [
        _number("position_in_line", position, "characters before this one in its line"),
        _number("distance_to_line_end", distance, "characters from this one to the end of its line (0 on the LF)"),
        _number("indentation", columns[line], "columns of white space at the start of the line"),
        _binary("line_start", position == 0, "the first character of a line"),
    ]


def _classes(text: str) -> list[Property]:
    """Returns classes of the character itself: the easiest properties, a baseline for the others."""
    return [
        _binary("space", np.array([c.isspace() for c in text], bool), "white space, including line ends"),
        _binary("digit", np.array([c.isdigit() for c in text], bool), "a digit"),
        _binary("uppercase", np.array([c.isupper() for c in text], bool), "an upper-case letter"),
    ]


def _double_quotes(text: str) -> Property:
    """Returns where plain text is between double quotes; a quote that its paragraph does not close is ignored."""
    spans = [(match.start() + 1, match.end() - 1) for match in _QUOTED.finditer(text)]
    return _binary("inside_double_quotes", _marked(len(text), spans), "between double quotes, within one paragraph")


def matches(text: str, pattern: str) -> Property:
    """Returns a property that is true on the characters that `pattern` matches; ^ and $ match at line boundaries.

    Raises:
      InputError: the pattern is not a regular expression.
    """
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(f"pattern {pattern!r} is not a regular expression: {error}") from None
    spans = [match.span() for match in compiled.finditer(text)]
    return _binary(f"matches {pattern}", _marked(len(text), spans), f"matched by the regular expression {pattern}")


def _marked(length: int, spans: Iterable[tuple[int, int]]) -> np.ndarray:
    """Returns [length] bool, true inside the (start, end) spans."""
    values = np.zeros(length, bool)
    for start, end in spans:
        values[start:end] = True
    return values
