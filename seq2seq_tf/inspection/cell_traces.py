"""What the cells of a model compute at each step, recorded while the model itself runs: no second copy of any model.

TensorFlow runs a `tf.while_loop` as a loop of Python where nothing is traced, and the plain recurrences call
`cell.step` once in it. A listener takes the place of that method for a while and keeps what it returns. A gradient
tape around the run then gives derivatives by each of these states, with everything that follows from them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from seq2seq_tf.nn.cells import Cell, State, Weights
from seq2seq_tf.structures import LossSum

_PARTS = "hc"  # of a state, in order


class NamedCell(NamedTuple):
    """A cell of a model."""

    name: str  # "layer_0", "encoder/layer_0/backward", "decoder/layer_0"
    cell: Cell
    reverse: bool  # reads from the end


class CellTrace(NamedTuple):
    """What one cell computed, step by step in the order of computing: from the end, if it reads from there."""

    name: str
    reverse: bool
    states: dict[str, list[tf.Tensor]]  # "h", and "c" of an LSTM -> T tensors [B, H]
    gates: dict[str, list[tf.Tensor]]  # name of the gate -> T tensors [B, H] from 0 to 1, if asked for


class HasVariables(Protocol):
    """A Keras layer, as far as its weights are concerned."""

    @property
    def trainable_variables(self) -> list[Any]:
        """All weights that are learnt, in the order of their making."""


class Recordable(Protocol):
    """A model of any task whose every step can be recorded.

    That is, without hand-written loops and cuDNN, and with matrix products in float32: `reference_copy` of a task
    makes one.
    """

    @property
    def model(self) -> HasVariables:
        """The network itself."""

    @property
    def cells(self) -> Sequence[NamedCell]:
        """Its recurrent cells, from the input up."""

    def start(self, batch: Any) -> Any:
        """Returns the state that the steps of a batch begin with, without a gradient through it."""

    def loss(self, batch: Any, start: Any) -> LossSum:
        """Returns the loss of a batch without dropout and label smoothing."""

    def lengths(self, batch: Any, cell: str) -> np.ndarray:
        """Returns how many real steps a cell takes in each row, [B]."""

    def describe(self, batch: Any) -> str:
        """Returns how many sequences of how many steps a batch has."""


def copy_weights(model: HasVariables, twin: HasVariables) -> None:
    """Gives a twin the weights of the model."""
    for theirs, ours in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        ours.value.assign(theirs.value)


def unit_names(trace: CellTrace) -> list[str]:
    """Returns "layer_0/h/17" and so on of all units of a cell, in the order of `unit_values`."""
    return [f"{trace.name}/{part}/{u}" for part, steps in trace.states.items() for u in range(steps[0].shape[1])]


def unit_values(trace: CellTrace) -> np.ndarray:
    """Returns all tensors of the state beside each other, in the order of the text, [T, B, U]."""
    values = np.concatenate([np.stack(steps) for steps in trace.states.values()], 2)
    return values[::-1] if trace.reverse else values


@contextlib.contextmanager
def record_states(
    cells: Sequence[NamedCell], *, gates: bool = False, tape: tf.GradientTape | None = None
) -> Iterator[list[CellTrace]]:
    """Listens to cells of a plain twin while the block runs it, outside any `tf.function`.

    Args:
      cells: of a `Recordable`.
      gates: also work out the gates of each step.
      tape: is told to watch the states. It need not watch the weights, whose derivatives cost more than the rest.

    Yields:
      what each cell computes, which grows while the model runs.
    """
    traces: list[CellTrace] = []
    for name, cell, reverse in cells:
        kinds = cell.gate_names if gates else ()
        traces.append(CellTrace(name, reverse, {p: [] for p in _PARTS[: cell.states]}, {kind: [] for kind in kinds}))
        cell.step = _Recorder(cell, traces[-1], tape)  # type: ignore[method-assign]
    try:
        yield traces
    finally:
        for named in cells:
            del named.cell.step  # the method of the class stands behind it


class _Recorder:
    """Stands in for `cell.step`."""

    def __init__(self, cell: Cell, trace: CellTrace, tape: tf.GradientTape | None) -> None:
        self._cell = cell
        self._step = cell.step
        self._trace = trace
        self._tape = tape

    def __call__(self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, state: State) -> State:
        if self._tape is not None:
            self._tape.watch(state)  # before the first step too: h is computed from c
        new = self._step(weights, projected, context, state)
        for kept, tensor in zip(self._trace.states.values(), new, strict=True):
            kept.append(tensor)
        if self._trace.gates:
            values = self._cell.gate_values(weights, projected, context, state[0])
            for name, gate in zip(self._trace.gates, values, strict=True):
                self._trace.gates[name].append(gate)
        return new
