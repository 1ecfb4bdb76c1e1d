"""Where strings, comments, conditions, brackets and blocks of Python source are, by character.

The standard library's `tokenize` reads it. A text that it rejects (a sample of a model, a file cut in two, Python 2)
goes through a scanner that knows strings, comments and brackets only; on sound source both find the same.
"""

from __future__ import annotations

import io
import re
import token
import tokenize
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

Span = tuple[int, int]  # text[start:end]

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


class PythonSource(NamedTuple):
    """What stands where in a text of T characters."""

    quoted: list[Span]  # between the quotes of any string literal; an f-string is one, replacement fields included
    comments: list[Span]  # from # to the end of the line
    conditions: list[Span]  # from behind a statement's if or elif to its colon
    block_depth: np.ndarray  # [T] int, levels of indentation of the statement
    bracket_depth: np.ndarray  # [T] int, open brackets around the character; a bracket itself is outside


def read(text: str) -> PythonSource:
    """Returns what stands where.

    Conditional expressions, the `if` of comprehensions and the guards of `case` are no conditions. Blank lines,
    comments, continuation lines and the inside of strings have the block depth of the statement before or around.
    """
    lexemes = _lexemes(text)
    lines = list(_logical_lines(text, lexemes))
    return PythonSource(
        [_between_quotes(text, lexeme) for lexeme in lexemes if lexeme.kind == "string"],
        [(lexeme.start, lexeme.end) for lexeme in lexemes if lexeme.kind == "comment"],
        [span for line in lines for span in _condition(text, line)],
        _block_depth(text, lines),
        _bracket_depth(text, lexemes),
    )


class _Lexeme(NamedTuple):
    """A piece of Python source: text[start:end]."""

    kind: str  # string, comment, newline, word, operator
    start: int
    end: int


def _lexemes(text: str) -> list[_Lexeme]:
    """Returns the lexemes in order; numbers count as words, and the scanner leaves out what no property needs."""
    try:
        return list(_tokenized(text))
    except (tokenize.TokenError, SyntaxError):
        return [
            _Lexeme(match.lastgroup, *match.span())
            for match in _SCANNER.finditer(text)
            if match.lastgroup and match.lastgroup != "joined"
        ]


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
            raise tokenize.TokenError("something that is not Python")
        elif not nested and found.type in _KIND_OF_TOKEN:
            if found.type not in _LINE_ENDS and text[start:end] != found.string:
                raise tokenize.TokenError("lone carriage returns: rows are counted differently")
            yield _Lexeme(_KIND_OF_TOKEN[found.type], start, end)


def _between_quotes(text: str, lexeme: _Lexeme) -> Span:
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


def _condition(text: str, line: list[_Lexeme]) -> Iterator[Span]:
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
    begins, depths, stack = [0], [0], [0]
    for line in lines:
        begin = text.rfind("\n", 0, line[0].start) + 1
        column = len(text[begin : line[0].start].expandtabs(8))
        while stack[-1] > column:
            stack.pop()
        if stack[-1] < column:
            stack.append(column)
        begins.append(begin)
        depths.append(len(stack) - 1)
    return np.repeat(depths, np.diff([*begins, len(text)]))
