"""Attention maps: which source pieces each output piece attended to."""

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
_MAX_SIDE = 8000  # pixels; a map of a thousand pieces would otherwise take gigabytes


class Aligned(Protocol):
    """A text generated from a source text, with the attention of each of its pieces."""

    @property
    def text(self) -> str:
        """The generated text."""

    @property
    def score(self) -> float:
        """The model's score of the text; higher is more likely."""

    @property
    def pieces(self) -> list[str]:
        """The T pieces of the text, without the end symbol."""

    @property
    def source_pieces(self) -> list[str]:
        """The S pieces of the source, without the end symbol."""

    @property
    def attention(self) -> np.ndarray:
        """[T + 1, S + 1], each row sums to 1; empty unless requested."""

    @property
    def sentences(self) -> Sequence[Aligned]:
        """The sentences, if each was generated separately; empty if the text was generated as a whole."""


def attention_figure(found: Aligned) -> Figure:
    """Returns a figure with source pieces across and translated pieces down; darker is more attention.

    Raises:
      InputError: the text was generated without attention=True, or by a model without attention.
    """
    from matplotlib.figure import Figure  # slow to import, needed only for pictures

    weights = found.attention
    if not weights.size:
        raise InputError("no attention weights: translate with attention=True, using a model with attention")
    columns, rows = _labels(found.source_pieces), _labels(found.pieces)
    size = (1.5 + 0.32 * len(columns), 1.2 + 0.28 * len(rows))
    dpi = min(110.0, _MAX_SIDE / max(size))
    figure = Figure(figsize=size, dpi=dpi, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(weights, cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_xticks(np.arange(len(columns)), columns, rotation=90, parse_math=False)  # a piece may contain dollar signs
    axes.set_yticks(np.arange(len(rows)), rows, parse_math=False)
    axes.xaxis.tick_top()
    axes.set_xlabel("source")
    axes.set_ylabel("translation")
    dress(figure)
    return figure


def _labels(pieces: Sequence[str]) -> list[str]:
    """Returns the labels of a map; in a right-to-left text, pieces of only digits or marks run that way too."""
    direction = _RIGHT_TO_LEFT if is_right_to_left(main_script(pieces)) else ""
    return [*(direction + visible(piece) for piece in pieces), _END]


def attention_png(found: Aligned) -> bytes:
    """Returns `attention_figure` as a PNG; raises the same errors."""
    return figure_png(attention_figure(found))


def word_alignment(found: Aligned) -> list[tuple[int, int]]:
    """Returns (source word, target word) pairs, counted from 0: each target word with its most attended source word.

    The attention of pieces is summed over the pieces of a source word and averaged over those of a target word; the end
    of the sentence is left out. In scripts without spaces (Chinese, Japanese, Thai) each piece is treated as a word.
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
    """Returns the index of the word that each piece belongs to; in scripts without spaces each piece is a word."""
    numbers, word = [], -1
    unspaced = False  # whether the previous piece is in such a script
    for n, piece in enumerate(pieces):
        now = any(map(is_unspaced, piece))
        alone = n > 0 and pieces[n - 1] == _SPACE  # a space that is a piece of its own belongs to the next piece
        if n == 0 or piece.startswith(_SPACE) or ((now or unspaced) and not alone):
            word += 1
        numbers.append(word)
        unspaced = now
    return numbers
