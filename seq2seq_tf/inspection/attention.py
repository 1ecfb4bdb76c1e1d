"""Attention maps: which source pieces each written piece looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.fonts import dress, figure_png
from seq2seq_tf.inspection.text_grid import visible
from seq2seq_tf.text.scripts import is_right_to_left, is_unspaced, main_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_END = "</s>"
_SPACE = "▁"
_RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT MARK}"
_MAX_SIDE = 8000  # pixels; a sentence of a thousand pieces would fill gigabytes


class Aligned(Protocol):
    """A text that was written while looking at another one, and where each of its pieces looked."""

    @property
    def text(self) -> str:
        """What was written."""

    @property
    def score(self) -> float:
        """How likely the model finds it."""

    @property
    def pieces(self) -> list[str]:
        """What was written, T pieces without the end."""

    @property
    def source_pieces(self) -> list[str]:
        """What was read, S pieces without the end."""

    @property
    def attention(self) -> np.ndarray:
        """[T + 1, S + 1], each row sums to 1; empty unless asked for."""

    @property
    def sentences(self) -> Sequence[Aligned]:
        """The parts that were written one by one; none if the whole was written at once."""


def attention_figure(found: Aligned) -> Figure:
    """Returns a picture with source pieces across and translated pieces down; darker is more attention.

    Raises:
      InputError: made without attention=True, or by a model without attention.
    """
    from matplotlib.figure import Figure  # here: heavy, and only pictures need it

    weights = found.attention
    if not weights.size:
        raise InputError("no attention weights: translate text with attention=True and a model with attention")
    columns, rows = _labels(found.source_pieces), _labels(found.pieces)
    size = (1.5 + 0.32 * len(columns), 1.2 + 0.28 * len(rows))
    dpi = min(110.0, _MAX_SIDE / max(size))
    figure = Figure(figsize=size, dpi=dpi, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(weights, cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_xticks(np.arange(len(columns)), columns, rotation=90, parse_math=False)  # a piece may hold dollar signs
    axes.set_yticks(np.arange(len(rows)), rows, parse_math=False)
    axes.xaxis.tick_top()
    axes.set_xlabel("source")
    axes.set_ylabel("translation")
    dress(figure)
    return figure


def _labels(pieces: Sequence[str]) -> list[str]:
    """Returns what to write beside a map; in a right-to-left text, pieces of digits or marks alone are so, too."""
    direction = _RIGHT_TO_LEFT if is_right_to_left(main_script(pieces)) else ""
    return [*(direction + visible(piece) for piece in pieces), _END]


def attention_png(found: Aligned) -> bytes:
    """Returns `attention_figure` as a PNG."""
    return figure_png(attention_figure(found))


def word_alignment(found: Aligned) -> list[tuple[int, int]]:
    """Returns (source word, target word) pairs, counted from 0: each target word to its most attended source word.

    Attention of pieces is summed over the pieces of a source word and averaged over those of a target word; the end
    of the sentence is left out. In scripts without spaces (Chinese, Japanese, Thai) pieces stand for words.
    """
    sums: dict[int, dict[int, float]] = {}  # target word -> source word -> weight
    source_words, target_words = _words(found.source_pieces), _words(found.pieces)
    row = column = 0
    for part in found.sentences or (found,):
        columns = source_words[column : column + len(part.source_pieces)]
        if part.attention.size and columns:
            for n, target in enumerate(target_words[row : row + len(part.pieces)]):
                by_source = sums.setdefault(target, {})
                for weight, source in zip(part.attention[n].tolist(), columns, strict=False):
                    by_source[source] = by_source.get(source, 0.0) + weight
        row, column = row + len(part.pieces), column + len(part.source_pieces)
    return [(max(by_source, key=lambda source: by_source[source]), target) for target, by_source in sums.items()]


def _words(pieces: list[str]) -> list[int]:
    """Returns the number of the word each piece belongs to; in scripts without spaces each piece is a word."""
    numbers, word = [], -1
    unspaced = False  # whether the piece before is of such a script
    for n, piece in enumerate(pieces):
        now = any(map(is_unspaced, piece))
        alone = n > 0 and pieces[n - 1] == _SPACE  # a space of its own belongs to what follows
        if n == 0 or piece.startswith(_SPACE) or ((now or unspaced) and not alone):
            word += 1
        numbers.append(word)
        unspaced = now
    return numbers
