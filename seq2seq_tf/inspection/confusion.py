"""A confusion table as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq_tf.inspection.fonts import figure_png

_NUMBERS_UP_TO = 20  # labels; in larger tables the numbers would be illegible


def confusion_png(table: np.ndarray, labels: Sequence[str]) -> bytes:
    """Returns a PNG with true labels down and predicted ones across; darker is a larger share of its row.

    Args:
      table: [N, N] counts, true labels by predicted ones.
      labels: N names, in the order of the table.
    """
    from matplotlib.figure import Figure  # slow to import, needed only for pictures

    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    side = 2.0 + 0.45 * len(labels)
    figure = Figure(figsize=(side, side), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_xticks(np.arange(len(labels)), labels, rotation=90, parse_math=False)
    axes.set_yticks(np.arange(len(labels)), labels, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(labels) <= _NUMBERS_UP_TO:
        for row, column in np.argwhere(table > 0):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{table[row, column]}", ha="center", va="center", color=colour, fontsize=8)
    return figure_png(figure)
