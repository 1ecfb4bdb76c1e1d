"""Figures of `gradients.Flow`: gradients over time, how often gates are closed or open, clipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seq2seq_tf.inspection.gradients import HIGH, LOW, Flow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL = (5.2, 2.9)  # inches
_SQUARE = 2.9
_COLOURS = ("#1f5c99", "#d1571b", "#3a8a4d", "#7a4fa3")
_LINES = {"h": "-", "c": "--"}


def flow_figure(flows: Mapping[str, Flow]) -> Figure:
    """Returns a row of panels per cell: |dLoss/dh_t| over the steps, and |dh_T/dh_t| over the steps back.

    Args:
      flows: label ("trained", "untrained" or a kind of cell) -> what was measured; one colour each.
    """
    names = list(dict.fromkeys(curve.cell for flow in flows.values() for curve in flow.curves))
    with_jacobian = any(len(curve.jacobian) for flow in flows.values() for curve in flow.curves)
    figure = _figure(_PANEL[0] * (1 + with_jacobian), _PANEL[1] * len(names))
    panels = figure.subplots(len(names), 1 + with_jacobian, squeeze=False)
    for row, name in zip(panels, names, strict=True):
        _lines(row[0], flows, name, "loss")
        row[0].set_title(f"{name}: gradient of the loss", fontsize=10)
        row[0].set_xlabel("step t")
        row[0].set_ylabel("|dLoss / dh$_t$|, |dLoss / dc$_t$|" if _has_c(flows, name) else "|dLoss / dh$_t$|")
        if with_jacobian:
            _lines(row[1], flows, name, "jacobian")
            row[1].set_title(f"{name}: Jacobian of the last state", fontsize=10)
            row[1].set_xlabel("steps back from the last, T - t")
            row[1].set_ylabel(r"|dh$_T$ / dh$_t$|$_F$ / $\sqrt{H}$")
    panels[0][-1].legend(fontsize=8)
    return figure


def _lines(axes: Axes, flows: Mapping[str, Flow], name: str, field: str) -> None:
    for colour, (label, flow) in zip(_COLOURS, flows.items(), strict=False):
        found = [curve for curve in flow.curves if curve.cell == name]
        for curve in found:
            text = f"{label}, w.r.t. {curve.part}" if len(found) > 1 or _has_c(flows, name) else label
            values = np.asarray(getattr(curve, field))
            shown = np.where(values > 0, values, np.nan)  # a logarithmic axis cannot show zero
            first = 1 if field == "loss" else 0
            places = np.arange(first, len(values) + first)
            axes.plot(places, shown, _LINES[curve.part], color=colour, label=text, linewidth=1.4)
    axes.set_yscale("log")
    axes.grid(True, which="major", color="#e6e6e6", linewidth=0.7)


def _has_c(flows: Mapping[str, Flow], name: str) -> bool:
    return any(curve.part == "c" for flow in flows.values() for curve in flow.curves if curve.cell == name)


def gates_figure(flows: Mapping[str, Flow]) -> Figure | None:
    """Returns a panel per cell and gate with a dot per unit, or None if there are no gates.

    Horizontal: the share of steps at which the gate is closed (under 0.1); vertical: at which it is open (over 0.9).
    """
    shares = [share for flow in flows.values() for share in flow.gates]
    cells, gates = (list(dict.fromkeys(getattr(s, field) for s in shares)) for field in ("cell", "gate"))
    if not cells:
        return None
    figure = _figure(_SQUARE * len(gates) + 0.4, _SQUARE * len(cells) + 0.3)
    panels = figure.subplots(len(cells), len(gates), squeeze=False, sharex=True, sharey=True)
    for axes, (cell, gate) in zip(panels.flat, ((c, g) for c in cells for g in gates), strict=True):
        for colour, (label, flow) in zip(_COLOURS, flows.items(), strict=False):
            for share in flow.gates:
                if (share.cell, share.gate) == (cell, gate):
                    axes.plot(share.closed, share.open, "o", color=colour, alpha=0.35, markersize=3.5, label=label)
        axes.plot([0, 1], [1, 0], color="#bbbbbb", linewidth=0.7)
        axes.set_title(f"{cell}: {gate} gate", fontsize=9)
        axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7, loc="upper right")
    for axes in panels[-1]:
        axes.set_xlabel(f"share of steps under {LOW}", fontsize=8)
    for row in panels:
        row[0].set_ylabel(f"share of steps over {HIGH}", fontsize=8)
    return figure


def updates_figure(updates: Sequence[int], norms: Sequence[float], clip_norm: float) -> Figure:
    """Returns a plot of the global gradient norm during training, before clipping and, if any, its bound after it."""
    figure = _figure(2 * _PANEL[0], _PANEL[1])
    axes = figure.subplots()
    axes.plot(updates, norms, color=_COLOURS[1], linewidth=1.2, label="before clipping")
    if clip_norm:
        clipped = np.minimum(norms, clip_norm)
        axes.plot(
            updates, clipped, color=_COLOURS[0], linewidth=1.2, label=f"after it, at most (clip_norm {clip_norm:g})"
        )
    axes.set_yscale("log")
    axes.set_xlabel("update")
    axes.set_ylabel("norm of the gradient of all weights")
    axes.grid(True, which="major", color="#e6e6e6", linewidth=0.7)
    axes.legend(fontsize=8)
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # slow to import, needed only for pictures

    return Figure(figsize=(width, height), dpi=110, layout="constrained")
