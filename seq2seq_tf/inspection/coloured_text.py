"""A text coloured by the value of one unit: red where it is positive, blue where it is negative.

After Karpathy, Johnson and Fei-Fei (2016), "Visualizing and understanding recurrent networks", figure 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.fonts import dress, figure_png
from seq2seq_tf.inspection.text_grid import Cell, drawn, grid, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POSITIVE = (232, 96, 76)  # light enough for dark letters
NEGATIVE = (91, 146, 229)

_FONT_SIZE = 9.0  # points
_CELL = (0.602 * _FONT_SIZE / 72, 1.45 * _FONT_SIZE / 72)  # inches; 0.602 is the width of DejaVu Sans Mono
_MARGIN = 0.15  # inches
_MAX_SIDE = 8000  # pixels, as in attention.py
_MIN_DPI = 50.0  # below this, letters are illegible
_LETTERS = "#1a1a1a"
_MARKS = "#9a9a9a"  # line ends and tabs
_SIGNS = {"\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", "\t": "\N{RIGHTWARDS ARROW}"}


def largest(values: np.ndarray) -> np.ndarray:
    """Returns the largest absolute value along the first axis, the value of full colour; 1 where all are 0."""
    found = np.max(np.abs(values), 0, initial=0.0)
    return np.where(found > 0, found, 1.0)


def coloured_text_figure(tokens: Sequence[str], values: np.ndarray, title: str, columns: int = 100) -> Figure:
    """Returns a figure of a text on a grid of `columns` characters; tokens are T characters or pieces, values [T].

    Raises:
      InputError: the text is so long that its letters would be illegible.
      ValueError: tokens and values differ in number.
    """
    from matplotlib.figure import Figure  # slow to import, needed only for pictures

    if len(tokens) != len(values):
        raise ValueError(f"each token must have one value, got {len(tokens)} tokens and {len(values)} values")
    scale = float(largest(values))
    rows = grid(tokens, columns)
    columns += 1  # for line ends
    size = (columns * _CELL[0] + 2 * _MARGIN, (len(rows) + 2) * _CELL[1] + 2 * _MARGIN)
    dpi = min(110.0, _MAX_SIDE / max(size))
    if dpi < _MIN_DPI:
        raise InputError(f"a text of {len(rows)} lines is too long for one picture: draw less of it or write a page")
    figure = Figure(figsize=size, dpi=dpi)
    box = (_MARGIN / size[0], _MARGIN / size[1], columns * _CELL[0] / size[0], len(rows) * _CELL[1] / size[1])
    axes = figure.add_axes(box)
    axes.set_axis_off()
    axes.imshow(_background(rows, values / scale, columns), aspect="auto", interpolation="nearest")
    for n, cells in enumerate(rows):
        _draw(axes, n, cells)
    legend = f"red +{scale:.3g}, white 0, blue \N{MINUS SIGN}{scale:.3g}"
    top = 1 - _MARGIN / size[1]
    figure.text(box[0], top, visible(title), size=_FONT_SIZE + 1, weight="bold", va="top", parse_math=False)
    figure.text(box[0] + box[2], top, legend, size=_FONT_SIZE - 1, color="#555555", va="top", ha="right")
    dress(figure)
    return figure


def coloured_text_png(tokens: Sequence[str], values: np.ndarray, title: str, columns: int = 100) -> bytes:
    """Returns `coloured_text_figure` as a PNG; raises the same errors."""
    return figure_png(coloured_text_figure(tokens, values, title, columns))


def _background(rows: Sequence[Sequence[Cell]], strengths: np.ndarray, columns: int) -> np.ndarray:
    """Returns [rows, columns, 3] colours from 0 to 1; strengths [T] from -1 to 1."""
    strength = np.zeros((len(rows), columns))
    for n, row in enumerate(rows):
        for cell in row:
            strength[n, cell.column : cell.column + cell.width] = strengths[cell.token]
    full = np.where(strength[..., None] > 0, POSITIVE, NEGATIVE) / 255
    return 1 - np.abs(strength)[..., None] * (1 - full)


def _draw(axes: Axes, row: int, cells: list[Cell]) -> None:
    """Draws the text of a row over the colours, with signs for its line end and tabs."""
    style: dict[str, Any] = {"family": "monospace", "size": _FONT_SIZE, "va": "center_baseline", "parse_math": False}
    for cell in cells:
        if cell.character in _SIGNS:
            axes.text(cell.column - 0.5, row, _SIGNS[cell.character], color=_MARKS, **style)
    for found in drawn(cells):
        side = "right" if found.to_the_left else "left"
        axes.text(found.column - 0.5, row, found.text, color=_LETTERS, ha=side, **style)
