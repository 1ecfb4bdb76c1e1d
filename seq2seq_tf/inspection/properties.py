"""Properties of a text, one value per character: what a hidden unit may have learned to follow.

Karpathy, Johnson and Fei-Fei (2016), "Visualizing and understanding recurrent networks", found units of character
language models that follow quotes, `if` conditions, indentation and the position in the line. Here each of these is
an array over the characters, to be compared with all units by `units.rank_units`.

Properties of Python source come from the standard library's `tokenize`. A text that it rejects (a sample of a model,
a file cut in two) goes through a scanner that knows strings, comments and brackets only. Neither can know that a text
starts inside a string: compute on whole files, with `properties_of_files`, and cut afterwards, with `cut`.
"""

from __future__ import annotations

import io
import re
import token
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError, nearest

KINDS = ("python", "text")


class Property(NamedTuple):
    """One property of a text of T characters (or, after `units.per_piece`, of T pieces)."""

    name: str
    kind: str  # "binary" or "number"
    values: np.ndarray  # [T] bool for binary, float32 for number
    description: str


def all_properties(text: str, kind: str = "python", patterns: Sequence[str] = ()) -> list[Property]:
    """Returns every known property of `text`; `patterns` are regular expressions, each of which adds one.

    Raises:
      InputError: an unknown kind of text, or a pattern that is not a regular expression.
    """
    if kind not in KINDS:
        raise InputError(f"kind of text must be one of {', '.join(KINDS)}, got {kind!r}{nearest(kind, KINDS)}")
    special = python_properties(text) if kind == "python" else [_double_quotes(text)]
    return [*special, *line_properties(text), *_classes(text), *(matches(text, pattern) for pattern in patterns)]


def properties_of_files(
    texts: Sequence[str], separator: str, kind: str = "python", patterns: Sequence[str] = ()
) -> list[Property]:
    """Returns the properties of `separator.join(texts)`, each file read on its own.

    So an unclosed bracket or quote of one file does not reach into the next. A separator belongs to the file before
    it; properties of Python source are 0 on it.
    """
    files = []
    for n, text in enumerate(texts):
        tail = separator if n + 1 < len(texts) else ""
        found = {p.name: p for p in all_properties(text + tail, "text" if kind == "text" else "python", patterns)}
        if kind == "python" and tail:  # the separator need not be Python, and may not change how the file is read
            pad = (0, len(tail))
            found |= {p.name: p._replace(values=np.pad(p.values, pad)) for p in python_properties(text)}
        files.append(list(found.values()))
    if not files:
        return all_properties("", kind, patterns)
    return [p[0]._replace(values=np.concatenate([each.values for each in p])) for p in zip(*files, strict=True)]


def cut(properties: Iterable[Property], start: int, stop: int) -> list[Property]:
    """Returns the same properties of characters `start` to `stop` only."""
    return [p._replace(values=p.values[start:stop]) for p in properties]


def _binary(name: str, values: np.ndarray, description: str) -> Property:
    return Property(name, "binary", np.asarray(values, bool), description)


def _number(name: str, values: np.ndarray, description: str) -> Property:
    return Property(name, "number", np.asarray(values, np.float32), description)


# Any text


def line_properties(text: str) -> list[Property]:
    """Returns where each character stands in its line. LF alone ends a line and is its last character."""
    places = np.arange(len(text))
    ends = np.array([match.start() for match in re.finditer("\n", text)], int)
    line = np.searchsorted(ends, places)  # [T] number of the line; the LF counts to the line it ends
    starts = np.concatenate([[0], ends + 1])
    position = places - starts[line]
    distance = np.append(ends, len(text))[line] - places
    columns = np.array([_column(text, start + len(re_indent(text, start))) for start in starts.tolist()])
    return [
        _number("position_in_line", position, "characters before this one in its line"),
        _number("distance_to_line_end", distance, "characters from this one to the end of its line (0 on the LF)"),
        _number("indentation", columns[line], "columns of white space that the line begins with"),
        _binary("line_start", position == 0, "first character of a line"),
    ]


def re_indent(text: str, start: int) -> str:
    """Returns the spaces and tabs from `start` on."""
    match = _INDENT.match(text, start)
    return match.group() if match else ""


def _column(text: str, place: int) -> int:
    """Returns the column of a character as Python counts it: a tab goes to the next multiple of 8."""
    return len(text[text.rfind("\n", 0, place) + 1 : place].expandtabs(8))


def _classes(text: str) -> list[Property]:
    """Returns what the character itself is: the easiest properties, by which to judge the others."""
    return [
        _binary("space", np.array([c.isspace() for c in text], bool), "white space, line ends too"),
        _binary("digit", np.array([c.isdigit() for c in text], bool), "a digit"),
        _binary("uppercase", np.array([c.isupper() for c in text], bool), "an upper-case letter"),
    ]


def _double_quotes(text: str) -> Property:
    """Plain text: between double quotes; a straight quote left open ends nowhere and counts as none."""
    spans = [(match.start() + 1, match.end() - 1) for match in _QUOTED.finditer(text)]
    return _binary("inside_double_quotes", _marked(len(text), spans), "between double quotes, within one paragraph")


def matches(text: str, pattern: str) -> Property:
    """Returns a property that is true on the characters that `pattern` matches; ^ and $ mean lines.

    Raises:
      InputError: it is not a regular expression.
    """
    try:
        compiled = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise InputError(f"pattern {pattern!r} is not a regular expression: {error}") from None
    spans = [match.span() for match in compiled.finditer(text)]
    return _binary(f"matches {pattern}", _marked(len(text), spans), f"matched by the regular expression {pattern}")


def _marked(length: int, spans: Iterable[tuple[int, int]]) -> np.ndarray:
    """Returns [length] bool, true inside the (start, end) spans."""
    values = np.zeros(length, bool)
    for start, end in spans:
        values[start:end] = True
    return values


_INDENT = re.compile(r"[ \t]*")
_QUOTED = re.compile('"(?:(?!\n[ \t]*\n)[^"])*"|\u201c[^\u201d\n]*\u201d|\u201e[^\u201c\u201d\n]*[\u201c\u201d]')


# Python source


class _Lexeme(NamedTuple):
    """A piece of Python source: text[start:end]."""

    kind: str  # string, comment, newline, word, operator
    start: int
    end: int


def python_properties(text: str) -> list[Property]:
    """Returns the properties that only Python source has.

    Quotes: between the quotes of any string literal, those excluded; an f-string is one string, its replacement
    fields included. Conditions: from behind `if` or `elif` up to the colon of the statement; conditional expressions,
    comprehensions and the guards of `case` are none. Blocks: levels of indentation of the logical line; blank lines,
    comments, continuation lines and the inside of strings have the level of the statement before or around them.
    """
    lexemes = _lexemes(text)
    quoted = [_between_quotes(text, x) for x in lexemes if x.kind == "string"]
    comments = [(x.start, x.end) for x in lexemes if x.kind == "comment"]
    lines = list(_logical_lines(text, lexemes))
    conditions = [span for line in lines for span in _condition(text, line)]
    size = len(text)
    return [
        _binary("inside_quotes", _marked(size, quoted), "between the quotes of a string literal"),
        _binary("inside_comment", _marked(size, comments), "from a # to the end of its line"),
        _binary("inside_if_condition", _marked(size, conditions), "between if or elif and its colon"),
        _number("block_depth", _block_depth(text, lines), "levels of indentation of the statement"),
        _number("bracket_depth", _bracket_depth(text, lexemes), "open (, [ and { around the character"),
    ]


def _lexemes(text: str) -> list[_Lexeme]:
    try:
        return list(_tokenized(text))
    except (tokenize.TokenError, SyntaxError, _Rejected):
        return [
            _Lexeme(match.lastgroup, *match.span())
            for match in _SCANNER.finditer(text)
            if match.lastgroup and match.lastgroup != "joined"
        ]


class _Rejected(Exception):
    """`tokenize` went on over something that is not Python."""


def _tokenized(text: str) -> Iterator[_Lexeme]:
    """Yields what `tokenize` finds. From Python 3.12 on it takes f-strings apart: they are put together again."""
    starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text), len(text)]
    nested, begin = 0, 0
    for found in tokenize.generate_tokens(io.StringIO(text).readline):
        start, end = (starts[row - 1] + column for row, column in (found.start, found.end))
        if found.type in _F_STRING_START:
            begin = begin if nested else start
            nested += 1
        elif found.type in _F_STRING_END:
            nested -= 1
            if not nested:
                yield _Lexeme("string", begin, end)
        elif found.type == token.ERRORTOKEN:
            raise _Rejected
        elif not nested and found.type in _KIND_OF_TOKEN:
            if found.type not in _LINE_ENDS and text[start:end] != found.string:
                raise _Rejected  # lone carriage returns: rows are counted differently
            yield _Lexeme(_KIND_OF_TOKEN[found.type], start, end)


def _between_quotes(text: str, lexeme: _Lexeme) -> tuple[int, int]:
    """Returns the span between the quotes of a string; the scanner's may lack the closing ones."""
    opening = _OPENING.match(text, lexeme.start)
    assert opening
    quotes = opening.group(1)
    closed = lexeme.end - len(quotes) >= opening.end() and text.endswith(quotes, opening.end(), lexeme.end)
    return opening.end(), lexeme.end - len(quotes) * closed


def _depth_change(text: str, lexeme: _Lexeme) -> int:
    """Returns 1 for an opening bracket, -1 for a closing one, else 0."""
    if lexeme.kind != "operator":
        return 0
    found = text[lexeme.start : lexeme.end]
    return (found in ("(", "[", "{")) - (found in (")", "]", "}"))


def _logical_lines(text: str, lexemes: Iterable[_Lexeme]) -> Iterator[list[_Lexeme]]:
    """Yields the statements, without comments and line ends; a line end inside brackets ends none."""
    line: list[_Lexeme] = []
    depth = 0
    for lexeme in lexemes:
        depth = max(0, depth + _depth_change(text, lexeme))
        if lexeme.kind == "newline" and not depth and line:
            yield line
            line = []
        elif lexeme.kind not in ("newline", "comment"):
            line.append(lexeme)
    if line:
        yield line


def _condition(text: str, line: list[_Lexeme]) -> Iterator[tuple[int, int]]:
    """Yields the span of the condition if the statement is an `if` or `elif` that has its colon."""
    if text[line[0].start : line[0].end] not in ("if", "elif"):
        return
    depth = lambdas = 0
    for lexeme in line[1:]:
        depth += _depth_change(text, lexeme)
        found = text[lexeme.start : lexeme.end]
        if depth == 0 and found == "lambda":
            lambdas += 1
        elif depth == 0 and found == ":" and lexeme.kind == "operator":
            if not lambdas:
                yield line[0].end, lexeme.start
                return
            lambdas -= 1


def _bracket_depth(text: str, lexemes: Iterable[_Lexeme]) -> np.ndarray:
    """Returns [T] how many brackets are open; a bracket itself counts as outside."""
    changes = np.zeros(len(text) + 1, int)
    depth = 0
    for lexeme in lexemes:
        change = _depth_change(text, lexeme)
        if change and depth + change >= 0:  # a bracket that closes nothing changes nothing
            depth += change
            changes[lexeme.end if change > 0 else lexeme.start] += change
    return np.cumsum(changes)[:-1]


def _block_depth(text: str, lines: Iterable[list[_Lexeme]]) -> np.ndarray:
    """Returns [T] the number of blocks around the statement."""
    depths = np.zeros(len(text), int)
    stack = [0]
    for line in lines:
        column = _column(text, line[0].start)
        while stack[-1] > column:
            stack.pop()
        if stack[-1] < column:
            stack.append(column)
        depths[text.rfind("\n", 0, line[0].start) + 1 :] = len(stack) - 1
    return depths


_KIND_OF_TOKEN = {
    token.STRING: "string",
    token.COMMENT: "comment",
    token.NEWLINE: "newline",
    token.NL: "newline",
    token.NAME: "word",
    token.NUMBER: "word",
    token.OP: "operator",
}
_LINE_ENDS = (token.NEWLINE, token.NL)
_F_STRING_START = {getattr(token, name, -1) for name in ("FSTRING_START", "TSTRING_START")}
_F_STRING_END = {getattr(token, name, -1) for name in ("FSTRING_END", "TSTRING_END")}
_OPENING = re.compile("[A-Za-z]*(\"\"\"|'''|\"|')")
_SCANNER = re.compile(
    r"""
    (?P<string>(?i:[bru]|[bft]r|r[bft]|[ft])?(?:
        \"{3}(?:\\.|[^\\])*?(?:\"{3}|\Z) | '{3}(?:\\.|[^\\])*?(?:'{3}|\Z)
      | "(?:\\(?:\r\n|.)|[^"\\\n])*(?:"|(?=\n)|\Z) | '(?:\\(?:\r\n|.)|[^'\\\n])*(?:'|(?=\n)|\Z) ))
  | (?P<comment>\#[^\r\n]*)
  | (?P<joined>\\\r?\n)
  | (?P<newline>\r?\n)
  | (?P<word>\w+)
  | (?P<operator>:=|[()\[\]{}:;.,=<>+\-*/%@&|^~!])
    """,
    re.VERBOSE | re.DOTALL,
)
