"""A text coloured by the value of one unit: red where it is positive, blue where it is negative.

After Karpathy, Johnson and Fei-Fei (2016), "Visualizing and understanding recurrent networks", figure 2.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POSITIVE = (232, 96, 76)  # light enough for dark letters
NEGATIVE = (91, 146, 229)
TAB = 4  # columns between tab stops

_FONT_SIZE = 9.0  # points
_CELL = (0.602 * _FONT_SIZE / 72, 1.45 * _FONT_SIZE / 72)  # inches; 0.602 is the width of DejaVu Sans Mono
_MARGIN = 0.15  # inches
_LONGEST_SIDE = 8000  # pixels, as in attention.py
_LEAST_DPI = 50.0  # below it letters cannot be read
_ZERO_WIDTH = ("Mn", "Me", "Cf")
_LETTERS = "#1a1a1a"
_MARKS = "#9a9a9a"  # line ends and tabs

# HTML and pictures cannot hold control characters: the Unicode block of their pictures stands for them.
_CONTROLS = {n: 0x2400 + n for n in range(32) if n not in (9, 10)} | {0x7F: 0x2421}
_CONTROLS |= dict.fromkeys([*range(0x80, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], 0xFFFD)


class _Cell(NamedTuple):
    """A character on the grid of the picture."""

    row: int
    column: int
    width: int  # in columns
    character: str
    symbol: int  # number of the symbol, and so of the value, that it belongs to


def visible(text: str) -> str:
    """Returns the text with control characters other than tab and LF replaced by their Unicode pictures."""
    return text.translate(_CONTROLS)


def largest(values: np.ndarray) -> np.ndarray:
    """Returns [..] the largest absolute value along the first axis, at which a colour is full; 1 if all are 0."""
    found = np.max(np.abs(values), 0, initial=0.0)
    return np.where(found > 0, found, 1.0)


def coloured_text_figure(symbols: Sequence[str], values: np.ndarray, title: str, columns: int = 100) -> Figure:
    """Returns a picture of a text on a grid of `columns` characters; symbols are T characters or pieces, values [T].

    Raises:
      InputError: the text is so long that its letters could not be read.
    """
    from matplotlib.figure import Figure  # here: heavy, and only pictures need it

    if len(symbols) != len(values):
        raise ValueError(f"{len(symbols)} symbols have {len(values)} values")
    scale = float(largest(values))
    cells = list(_grid(symbols, columns))
    rows = 1 + max((cell.row for cell in cells), default=0)
    columns += 1  # for line ends
    size = (columns * _CELL[0] + 2 * _MARGIN, (rows + 2) * _CELL[1] + 2 * _MARGIN)
    dpi = min(110.0, _LONGEST_SIDE / max(size))
    if dpi < _LEAST_DPI:
        raise InputError(f"a text of {rows} lines is too long for one picture: give less of it, or write a page")
    figure = Figure(figsize=size, dpi=dpi)
    box = (_MARGIN / size[0], _MARGIN / size[1], columns * _CELL[0] / size[0], rows * _CELL[1] / size[1])
    axes = figure.add_axes(box)
    axes.set_axis_off()
    axes.imshow(_background(cells, values / scale, (rows, columns)), aspect="auto", interpolation="nearest")
    for row, column, text, colour in _runs(cells):
        axes.text(column - 0.5, row, text, family="monospace", size=_FONT_SIZE, color=colour, va="center_baseline",
                  parse_math=False)  # fmt: skip
    legend = f"red +{scale:.3g}, white 0, blue \N{MINUS SIGN}{scale:.3g}"
    top = 1 - _MARGIN / size[1]
    figure.text(box[0], top, title, size=_FONT_SIZE + 1, weight="bold", va="top", parse_math=False)
    figure.text(box[0] + box[2], top, legend, size=_FONT_SIZE - 1, color="#555555", va="top", ha="right")
    return figure


def coloured_text_png(symbols: Sequence[str], values: np.ndarray, title: str, columns: int = 100) -> bytes:
    """Returns `coloured_text_figure` as a PNG."""
    buffer = io.BytesIO()
    coloured_text_figure(symbols, values, title, columns).savefig(buffer, format="png")
    return buffer.getvalue()


def _grid(symbols: Sequence[str], columns: int) -> Iterator[_Cell]:
    """Yields the place of each character; long lines go on in the next row, but a line end stands behind the last."""
    row = column = 0
    for n, symbol in enumerate(symbols):
        for character in visible(symbol):
            width = _width(character, column)
            if column + width > columns and character != "\n":
                row, column = row + 1, 0
            yield _Cell(row, column, width, character, n)
            column += width
            if character == "\n":
                row, column = row + 1, 0


def _width(character: str, column: int) -> int:
    if character == "\t":
        return TAB - column % TAB
    if unicodedata.category(character) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _background(cells: Sequence[_Cell], strengths: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns [rows, columns, 3] colours from 0 to 1; strengths [T] from -1 to 1."""
    strength = np.zeros(shape)
    for cell in cells:
        strength[cell.row, cell.column : cell.column + cell.width] = strengths[cell.symbol]
    full = np.where(strength[..., None] > 0, POSITIVE, NEGATIVE) / 255
    return 1 - np.abs(strength)[..., None] * (1 - full)


def _runs(cells: Sequence[_Cell]) -> Iterator[tuple[int, int, str, str]]:
    """Yields (row, column, text, colour): words at once where each letter is sure to fill its cell."""
    lines: dict[int, list[_Cell]] = {}
    for cell in cells:
        lines.setdefault(cell.row, []).append(cell)
    for row, line in lines.items():
        if line[-1].character == "\n":
            yield row, line[-1].column, "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", _MARKS
        for cell in line:
            if cell.character == "\t":
                yield row, cell.column, "\N{RIGHTWARDS ARROW}", _MARKS
            elif not cell.character.isascii() and cell.width:
                yield row, cell.column, cell.character, _LETTERS
        ascii_only = "".join((c.character if c.character.isascii() else " ") * c.width for c in line)
        for word in re.finditer(r"\S+", ascii_only):
            yield row, word.start(), word.group(), _LETTERS
