"""What the cells of a model compute at each step, recorded while the model itself runs: no second copy of any model.

TensorFlow runs a `tf.while_loop` as a loop of Python where nothing is traced, and the plain recurrences call
`cell.step` once in it. A listener takes the place of that method for a while and keeps what it returns. A gradient
tape around the run then gives derivatives by each of these states, with everything that follows from them.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import tensorflow as tf

from seq2seq_tf.config.common import NetworkConfig
from seq2seq_tf.nn.cells import Cell, State, Weights
from seq2seq_tf.tasks.language_model.model import LanguageModel
from seq2seq_tf.tasks.translation.model import Translation

Recordable = LanguageModel | Translation
_Network = TypeVar("_Network", bound=NetworkConfig)
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


def cells_of(model: Recordable) -> list[NamedCell]:
    """Returns the recurrent cells of a model, from the input up."""
    if isinstance(model, LanguageModel):
        return [NamedCell(f"layer_{n}", cell, False) for n, cell in enumerate(model.cells)]
    found = []
    for n, layer in enumerate(model.encoder.stack.cells):
        for direction, cell in zip(("forward", "backward"), layer, strict=False):
            found.append(NamedCell(f"encoder/layer_{n}/{direction}", cell, direction == "backward"))
    return found + [NamedCell(f"decoder/layer_{n}", cell, False) for n, cell in enumerate(model.decoder.cells)]


def reference_copy(model: Recordable) -> Recordable:
    """Returns a model of the same sizes with first weights of its own, whose every step can be recorded.

    That is, without hand-written loops and cuDNN, and with matrix products in float32.
    """
    twin: Recordable
    if isinstance(model, LanguageModel):
        twin = LanguageModel(_plain(model.config), model.vocab_size, precision="float32")
    else:
        sizes = (model.source_embedding.vocab_size, model.target_embedding.vocab_size)
        twin = Translation(_plain(model.config), *sizes, precision="float32")
    twin.build()
    return twin


def _plain(config: _Network) -> _Network:
    return dataclasses.replace(config, fused=False, cudnn=False)


def copy_weights(model: Recordable, twin: Recordable) -> None:
    """Gives a twin the weights of the model."""
    for theirs, ours in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        ours.value.assign(theirs.value)


@contextlib.contextmanager
def record_states(
    cells: Sequence[NamedCell], *, gates: bool = False, tape: tf.GradientTape | None = None
) -> Iterator[list[CellTrace]]:
    """Listens to cells of a plain twin while the block runs it, outside any `tf.function`.

    Args:
      cells: from `cells_of`.
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
