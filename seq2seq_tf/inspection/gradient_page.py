"""The page and tables for `gradients.Flow`: what was measured and how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_tf.inspection.fonts import figure_png
from seq2seq_tf.inspection.gradient_plots import flow_figure, gates_figure, updates_figure
from seq2seq_tf.inspection.gradients import Flow
from seq2seq_tf.inspection.page import Paragraphs, Picture, Section, Table

_FLOW = """Left: the norm of the derivative of the loss with respect to the state h at each step (for an LSTM also \
with respect to its cell state c, dashed). The loss is summed over the whole sequence, in nats, so the derivative \
covers every loss that the state affects: those of its own step and all later ones and, for an encoder, those of the \
whole translation.

Right: how much a change in the state k steps back still changes the last state: the Frobenius norm of the Jacobian, \
divided by the square root of the number of units, so that 1 means that a change arrives undiminished. On this \
logarithmic scale a straight line is an exponential: if it falls, the gradient vanishes; if it rises, the gradient \
explodes (Pascanu 2013).

The curve with respect to h holds c fixed. An LSTM carries its memory in c: compare its dashed line with the others.
"""
_GATES = """Each dot is a unit. Horizontal: the share of steps at which its gate is nearly closed (under 0.1). \
Vertical: nearly open (over 0.9). A unit with its forget gate at the top left remembers for a long time; one at the \
bottom right keeps nothing from one step to the next. Dots at the origin are gates that never saturate (after Karpathy \
2016, figure 3). The update gate of a GRU is the share of the state that is kept.
"""
_CLIP = """The norm of the gradient of all weights, averaged over the updates between two lines of metrics.jsonl. \
Clipping shortens a gradient that is longer than clip_norm and keeps its direction, so the curves above have the same \
shape with and without it. As the file contains means, the lower line is an upper bound: the mean of the clipped norms \
is at most the clipped mean.
"""


class Updates(NamedTuple):
    """Gradient norms during training."""

    updates: Sequence[int]
    norms: Sequence[float]
    clip_norm: float  # 0: no clipping


class Measured(NamedTuple):
    """The contents of the page."""

    flows: Mapping[str, Flow]
    what: str  # sentences: the model, the text, how the Jacobian was computed
    updates: Updates = Updates((), (), 0.0)


def rows(flows: Mapping[str, Flow]) -> tuple[list[str], list[list[str]]]:
    """Returns column names and a row per curve, for a terminal or a page."""
    columns = [
        "weights",
        "layer",
        "state",
        "|dLoss/dh| first",
        "last",
        "|dh_T/dh| 1 back",
        "10 back",
        "farthest",
        "steps",
    ]
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
    """Returns column names and a row per gate, with its shares over all units."""
    columns = ["weights", "layer", "gate", "under 0.1", "over 0.9", "units mostly over 0.9"]
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
    """Returns name -> PNG: "flow", and "gates" and "updates" if there are any."""
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
    about = f"{measured.what}\n\nLoss on this text, nats per token: {losses}."
    found: list[Section] = [
        Paragraphs("What was measured", about),
        Picture("Gradients over time", drawn["flow"], ""),
        Paragraphs("", _FLOW),
        Table("Gradients in numbers", *rows(measured.flows)),
    ]
    if "gates" in drawn:
        found += [
            Picture("Closed and open gates", drawn["gates"], ""),
            Paragraphs("", _GATES),
            Table("Gates in numbers", *gate_rows(measured.flows), "Means over units and steps."),
        ]
    if "updates" in drawn:
        found += [Picture("Clipping during training", drawn["updates"], ""), Paragraphs("", _CLIP)]
    return found


def as_json(measured: Measured) -> dict[str, Any]:
    """Returns all curves, gate shares and gradient norms as values for JSON."""
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
