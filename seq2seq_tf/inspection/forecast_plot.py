"""A forecast as a picture: history, what came, mean and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.inspection.fonts import figure_png

_PANEL = (8.0, 2.7)  # inches
_KNOWN, _FORECAST = "#444444", "#1f5c99"


class Shown(NamedTuple):
    """A forecast of one variable; places are numbers or dates."""

    name: str
    places: np.ndarray  # [N], of the history and, if known, of what came
    values: np.ndarray  # [N]
    ahead: np.ndarray  # [K], places of the steps forecast
    mean: np.ndarray  # [K]
    intervals: Sequence[tuple[float, np.ndarray, np.ndarray]]  # level, lower [K], upper [K]; the widest first


def forecast_png(panels: Sequence[Shown], title: str) -> bytes:
    """Returns a PNG with a panel for each variable, one below the other."""
    from matplotlib.figure import Figure  # slow to import, needed only for pictures

    figure = Figure(figsize=(_PANEL[0], _PANEL[1] * len(panels) + 0.4), dpi=110, layout="constrained")
    for axes, shown in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
        axes.plot(shown.places, shown.values, color=_KNOWN, linewidth=1.1, label="observed")
        for n, (level, lower, upper) in enumerate(shown.intervals):
            shade = 0.18 + 0.16 * n
            axes.fill_between(
                shown.ahead, lower, upper, color=_FORECAST, alpha=shade, linewidth=0, label=f"{100 * level:g} %"
            )
        axes.plot(shown.ahead, shown.mean, color=_FORECAST, linewidth=1.5, label="forecast")
        axes.set_ylabel(shown.name, parse_math=False)
        axes.grid(True, color="#e6e6e6", linewidth=0.7)
        axes.legend(fontsize=8, loc="upper left")
    figure.suptitle(title, fontsize=10, parse_math=False)
    return figure_png(figure)
