"""The page and the tables of `gradients.Flow`: what was measured, how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_tf.inspection.fonts import figure_png
from seq2seq_tf.inspection.gradient_plots import flow_figure, gates_figure, updates_figure
from seq2seq_tf.inspection.gradients import Flow
from seq2seq_tf.inspection.page import Paragraphs, Picture, Section, Table

_FLOW = """Left: the norm of the derivative of the loss by the state h of a step (for an LSTM by its memory c, too, \
dashed), where the loss is summed over a whole sequence, in nats. It is made of every loss that the state has a share \
in: those of its step and of all later ones, and, for a state of an encoder, those of the whole translation.

Right: how much a change of the state k steps back still changes the last state: the norm of the Jacobian, divided by \
the square root of its size, so that 1 means that changes arrive as large as they were. A straight line downwards is \
an exponential: the gradient vanishes. One upwards explodes (Pascanu 2013).

By h holds c fixed. What an LSTM keeps, it keeps in c: compare its dashed line with the others.
"""
_GATES = """Each dot is a unit. Across: the share of steps at which its gate is nearly closed, under 0.1. Up: nearly \
open, over 0.9. A forget gate at the top left remembers for long, at the bottom right it holds nothing over a step. \
Dots at the origin are gates that never saturate (after Karpathy 2016, figure 3). The update gate of a GRU says how \
much of the state is kept.
"""
_CLIP = """The norm of the gradient of all weights, a mean over the updates between two lines of metrics.jsonl. \
Clipping shortens a gradient that is longer than clip_norm and leaves its direction: the curves above have the same \
form with and without it. As the file holds means, the lower line is an upper bound: the mean of the clipped norms is \
at most the clipped mean.
"""


class Updates(NamedTuple):
    """Gradient norms while training."""

    updates: Sequence[int]
    norms: Sequence[float]
    clip_norm: float  # 0: no clipping


class Measured(NamedTuple):
    """What the page is about."""

    flows: Mapping[str, Flow]
    what: str  # sentences: model, text, how the Jacobian was found
    updates: Updates = Updates((), (), 0.0)


def rows(flows: Mapping[str, Flow]) -> tuple[list[str], list[list[str]]]:
    """Returns column names and a row per curve, for a terminal or a page."""
    columns = ["weights", "layer", "by", "|dLoss/dh| first", "last", "|dh_T/dh| 1 back", "10 back", "farthest", "steps"]
    found = []
    for label, flow in flows.items():
        for c in flow.curves:
            back = [f"{c.jacobian[n]:.3g}" if n < len(c.jacobian) else "-" for n in (1, 10)]
            last = f"{c.jacobian[-1]:.3g}" if len(c.jacobian) else "-"
            found.append(
                [label, c.cell, c.part, f"{c.loss[0]:.3g}", f"{c.loss[-1]:.3g}", *back, last, str(len(c.loss))]
            )
    return columns, found


def gate_rows(flows: Mapping[str, Flow]) -> tuple[list[str], list[list[str]]]:
    """Returns column names and a row per gate: its shares over all units."""
    columns = ["weights", "layer", "gate", "under 0.1", "over 0.9", "units over 0.9 at most steps"]
    found = [
        [
            label,
            share.cell,
            share.gate,
            f"{100 * np.mean(share.closed):.1f} %",
            f"{100 * np.mean(share.open):.1f} %",
            f"{100 * np.mean(share.open > 0.5):.1f} %",
        ]
        for label, flow in flows.items()
        for share in flow.gates
    ]
    return columns, found


def pictures(measured: Measured) -> dict[str, bytes]:
    """Returns name -> PNG: `flow`, and `gates` and `updates` if there are any."""
    found = {"flow": figure_png(flow_figure(measured.flows))}
    if gates := gates_figure(measured.flows):
        found["gates"] = figure_png(gates)
    if measured.updates.updates:
        found["updates"] = figure_png(updates_figure(*measured.updates))
    return found


def sections(measured: Measured) -> list[Section]:
    """Returns the sections of the page."""
    drawn = pictures(measured)
    losses = "; ".join(f"{label} {flow.loss:.3f}" for label, flow in measured.flows.items())
    about = f"{measured.what}\n\nLoss on this text, nats per symbol: {losses}."
    found: list[Section] = [
        Paragraphs("What was measured", about),
        Picture("Gradients over the steps", drawn["flow"], ""),
        Paragraphs("", _FLOW),
        Table("Gradients in numbers", *rows(measured.flows)),
    ]
    if "gates" in drawn:
        found += [
            Picture("Gates, closed and open", drawn["gates"], ""),
            Paragraphs("", _GATES),
            Table("Gates in numbers", *gate_rows(measured.flows), "Means over units and steps."),
        ]
    if "updates" in drawn:
        found += [Picture("Clipping while training", drawn["updates"], ""), Paragraphs("", _CLIP)]
    return found


def as_json(measured: Measured) -> dict[str, Any]:
    """Returns all curves and gate shares, for a file."""
    return {
        "what": measured.what,
        "flows": {
            label: {
                "loss": flow.loss,
                "curves": [
                    {**c._asdict(), "loss": c.loss.tolist(), "jacobian": c.jacobian.tolist()} for c in flow.curves
                ],
                "gates": [{**s._asdict(), "closed": s.closed.tolist(), "open": s.open.tolist()} for s in flow.gates],
            }
            for label, flow in measured.flows.items()
        },
        "updates": measured.updates._asdict(),
    }
