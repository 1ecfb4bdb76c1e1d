"""How gradients flow back through time: the norms of dLoss/dh_t and dh_T/dh_t, and how often gates are closed or open.

Bengio, Simard and Frasconi (1994), "Learning long-term dependencies with gradient descent is difficult"; Pascanu,
Mikolov and Bengio (2013), "On the difficulty of training recurrent neural networks"; for the gates, Karpathy, Johnson
and Fei-Fei (2016), "Visualizing and understanding recurrent networks", figure 3.

The state of an LSTM is two tensors, h and c. The derivative with respect to h_t holds c_t fixed: it follows only the
output, through the gates of the next step. The derivative with respect to c_t follows the cell state, the path that
the LSTM was designed for, and the output computed from it. Both are measured.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.inspection.cell_traces import CellTrace, Recordable, record_states

LOW, HIGH = 0.1, 0.9  # below LOW a gate is closed, above HIGH open (Karpathy 2016)


class Curve(NamedTuple):
    """Gradient norms for one tensor of a cell's state: at each step, means over the sequences that reach it."""

    cell: str  # "layer_0"
    part: str  # "h" or "c"
    loss: np.ndarray  # [T] |dLoss/dh_t| in the order of the text; the loss in nats, summed over a sequence
    jacobian: np.ndarray  # [T] |dh_T/dh_t| / sqrt(H), entry k is k steps back from the last; empty if not requested


class GateShares(NamedTuple):
    """How often the units of one gate are closed or open, over all real steps of all sequences."""

    cell: str
    gate: str
    closed: np.ndarray  # [H] share of values under 0.1
    open: np.ndarray  # [H] share of values over 0.9


class Flow(NamedTuple):
    """What one backward pass shows of a model."""

    curves: list[Curve]
    gates: list[GateShares]
    loss: float  # nats per token
    exact: bool  # whether the Jacobian norms are exact, not estimates


class _Pass(NamedTuple):
    """One run of a model under a tape."""

    tape: tf.GradientTape
    nll: tf.Tensor  # [] nats, summed
    weight: tf.Tensor  # [] tokens
    traces: list[CellTrace]


def gradient_flow(model: Recordable, batch: Any, *, directions: int, seed: int, gates: bool = True) -> Flow:
    """Measures gradients and gates on one batch.

    The norm of the Jacobian dh_T/dh_t is the Frobenius norm divided by sqrt(H), so that the identity has norm 1 at any
    size. If H is at most `directions`, it is exact. Otherwise it is estimated: if the entries of v are independent and
    standard normal, the expectation of |v^T J|^2 is |J|_F^2 (Hutchinson 1990); it is averaged over `directions` samples
    of v for each sequence.

    Args:
      model: the model to measure, with its current weights.
      batch: a nest of arrays [B, ...], in the form that `Recordable.loss` expects.
      directions: number of random directions; 0 skips the Jacobian.
      seed: seed of the random directions.
      gates: whether to measure the gates.
    """
    run = _run(model, batch, gates)
    squares = _jacobian_squares(model, batch, directions, np.random.default_rng(seed)) if directions else {}
    curves, shares = [], []
    for trace in run.traces:
        lengths = model.lengths(batch, trace.name)
        for part, gradient in zip(trace.states, _gradients(run.tape, run.nll, trace), strict=True):
            norms = np.linalg.norm(gradient, axis=2)  # [T, B]
            loss = _mean_over_rows(norms[::-1] if trace.reverse else norms, lengths)
            back = np.sqrt(squares[trace.name, part]) if squares else np.zeros([0, len(lengths)])
            curves.append(Curve(trace.name, part, loss, _mean_over_rows(back, lengths)))
        shares += _gate_shares(trace, lengths)
    exact = all(named.cell.units <= directions for named in model.cells)
    return Flow(curves, shares, float(run.nll / run.weight), exact)


def _run(model: Recordable, batch: Any, gates: bool) -> _Pass:
    start = model.start(batch)
    tape = tf.GradientTape(persistent=True, watch_accessed_variables=False)
    with tape, record_states(model.cells, gates=gates, tape=tape) as traces:
        loss = model.loss(batch, start)
    return _Pass(tape, loss.nll, loss.weight, traces)


def _gradients(tape: tf.GradientTape, target: tf.Tensor, trace: CellTrace) -> list[np.ndarray]:
    """Returns the derivatives of a scalar with respect to the states, [T, B, H] for each tensor of the state."""
    found = tape.gradient(target, list(trace.states.values()), unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [np.stack([step.numpy() for step in steps]).astype(np.float64) for steps in found]


def _jacobian_squares(
    model: Recordable, batch: Any, directions: int, random: np.random.Generator
) -> dict[tuple[str, str], np.ndarray]:
    """Returns (cell, part) -> |dh_T/dstate_t|_F^2 / H, [T, B], entry [k, b] k steps back from the last of row b.

    Each row is repeated in the batch once per direction, so that one backward pass covers all of them.
    """
    found = {}
    counts = {named.name: min(directions, named.cell.units) for named in model.cells}
    for count in sorted(set(counts.values())):
        run = _run(model, tf.nest.map_structure(lambda x, n=count: np.repeat(x, n, 0), batch), False)
        for trace in run.traces:
            if counts[trace.name] == count:
                squares = _squares_of_cell(run.tape, trace, model.lengths(batch, trace.name), count, random)
                found.update({(trace.name, part): values for part, values in squares.items()})
    return found


def _squares_of_cell(
    tape: tf.GradientTape, trace: CellTrace, lengths: np.ndarray, count: int, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Returns part -> [T, B] of `_jacobian_squares` for one cell; each row was computed `count` times."""
    steps, rows = trace.states["h"], len(lengths)
    units = steps[0].shape[1]
    if units == count:
        vectors, divisor = np.tile(np.eye(units), (rows, 1)), units
    else:
        vectors, divisor = random.standard_normal([rows * count, units]), units * count
    last = np.full(rows, len(steps) - 1) if trace.reverse else lengths - 1  # in the order of computation
    with tape:
        ends = tf.stack([steps[t][row] for row, t in enumerate(np.repeat(last, count))])  # [B * count, H]
        target = tf.reduce_sum(ends * vectors.astype(np.float32))
    found = {}
    for part, gradient in zip(trace.states, _gradients(tape, target, trace), strict=True):
        squares = np.sum(gradient**2, 2).reshape([len(steps), rows, count])  # [T, B, count]
        found[part] = _from_the_end(np.sum(squares, 2) / divisor, last, lengths)
    return found


def _from_the_end(values: np.ndarray, last: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns values [T, B] counted back from the last real step of each row; zero beyond the row's first step."""
    back = np.zeros_like(values)
    for row, (end, length) in enumerate(zip(last, lengths, strict=True)):
        back[:length, row] = values[end - length + 1 : end + 1, row][::-1]
    return back


def _mean_over_rows(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns the mean at each step over the rows that reach it, while at least half of them do. [T, B] -> [T']."""
    real = np.arange(len(values))[:, np.newaxis] < lengths  # [T, B]
    count = real.sum(1)
    kept = count * 2 >= len(lengths)
    return (values * real).sum(1)[kept] / count[kept]


def _gate_shares(trace: CellTrace, lengths: np.ndarray) -> list[GateShares]:
    shares = []
    for gate, steps in trace.gates.items():
        values = np.stack([step.numpy() for step in steps])  # [T, B, H]
        values = values[::-1] if trace.reverse else values
        real = values[np.arange(len(values))[:, np.newaxis] < lengths]  # [N, H]
        shares.append(GateShares(trace.name, gate, np.mean(real < LOW, 0), np.mean(real > HIGH, 0)))
    return shares
