"""What the cells of a model compute at each step, recorded while the model's own code runs.

In eager mode TensorFlow runs a `tf.while_loop` as a Python loop, and the plain recurrences call `cell.step` once per
iteration. A recorder temporarily replaces that method and keeps what it returns. A gradient tape around the run then
gives derivatives with respect to each of these states, through everything computed from them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from seq2seq_tf.nn.cells import Cell, State, Weights
from seq2seq_tf.structures import LossSum

_PARTS = "hc"  # the tensors of a state, in order


class NamedCell(NamedTuple):
    """A cell of a model."""

    name: str  # "layer_0", "encoder/layer_0/backward", "decoder/layer_0"
    cell: Cell
    reverse: bool  # whether it reads the sequence from its end


class CellTrace(NamedTuple):
    """What one cell computed, step by step in the order of computation: from the end of the text if `reverse`."""

    name: str
    reverse: bool
    states: dict[str, list[tf.Tensor]]  # "h", and "c" of an LSTM -> T tensors [B, H]
    gates: dict[str, list[tf.Tensor]]  # gate name -> T tensors [B, H] from 0 to 1; none unless requested


class HasVariables(Protocol):
    """A Keras layer, reduced to its weights."""

    @property
    def trainable_variables(self) -> list[Any]:
        """All trainable weights, in the order in which they were created."""


class Recordable(Protocol):
    """A model of any task whose every step can be recorded.

    It uses neither hand-written gradients nor cuDNN, and multiplies matrices in float32. A task's `reference_copy`
    makes one.
    """

    @property
    def model(self) -> HasVariables:
        """The network."""

    @property
    def cells(self) -> Sequence[NamedCell]:
        """Its recurrent cells, from the input up."""

    def start(self, batch: Any) -> Any:
        """Returns the initial state for a batch; no gradient flows through it."""

    def loss(self, batch: Any, start: Any) -> LossSum:
        """Returns the loss of a batch without dropout or label smoothing."""

    def lengths(self, batch: Any, cell: str) -> np.ndarray:
        """Returns the number of steps without padding that a cell takes in each row, [B] int."""

    def describe(self, batch: Any) -> str:
        """Returns a phrase that describes a batch: its number of sequences and of steps."""


def copy_weights(model: HasVariables, twin: HasVariables) -> None:
    """Copies the weights of a model to a twin."""
    for theirs, ours in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        ours.value.assign(theirs.value)


def unit_names(trace: CellTrace) -> list[str]:
    """Returns the names of all units of a cell, such as "layer_0/h/17", in the order of `unit_values`."""
    return [f"{trace.name}/{part}/{u}" for part, steps in trace.states.items() for u in range(steps[0].shape[1])]


def unit_values(trace: CellTrace) -> np.ndarray:
    """Returns all tensors of the state concatenated, in the order of the text, [T, B, U]."""
    values = np.concatenate([np.stack(steps) for steps in trace.states.values()], 2)
    return values[::-1] if trace.reverse else values


@contextlib.contextmanager
def record_states(
    cells: Sequence[NamedCell], *, gates: bool = False, tape: tf.GradientTape | None = None
) -> Iterator[list[CellTrace]]:
    """Records the cells of a `Recordable` while the block runs it, outside any `tf.function`.

    Args:
      cells: the cells of the `Recordable`.
      gates: whether to compute the gates of each step as well.
      tape: watches the states if given. It need not watch the weights, whose derivatives cost more than the rest.

    Yields:
      A trace per cell, which grows while the model runs.
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
            del named.cell.step  # uncovers the method of the class


class _Recorder:
    """Replaces `cell.step`: calls it and records the result."""

    def __init__(self, cell: Cell, trace: CellTrace, tape: tf.GradientTape | None) -> None:
        self._cell = cell
        self._step = cell.step
        self._trace = trace
        self._tape = tape

    def __call__(self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, state: State) -> State:
        if self._tape is not None:
            self._tape.watch(state)  # before the first step too, so that the path from c to h is recorded
        new = self._step(weights, projected, context, state)
        for kept, tensor in zip(self._trace.states.values(), new, strict=True):
            kept.append(tensor)
        if self._trace.gates:
            values = self._cell.gate_values(weights, projected, context, state[0])
            for name, gate in zip(self._trace.gates, values, strict=True):
                self._trace.gates[name].append(gate)
        return new
