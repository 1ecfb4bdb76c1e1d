"""The smallest recurrence, h_t = tanh(2 x_t + 3 h_(t-1) + 1) with scalars, step by step.

By the chain rule, dh_T/dh_1 is a product of one factor per step, dh_t/dh_(t-1) = 3 (1 - h_t^2). Factors below 1 make it
vanish, factors above 1 make it explode.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.nn.cells import RNNCell

KERNEL, RECURRENT, BIAS = 2.0, 3.0, 1.0


class ToyStep(NamedTuple):
    """One step of the recurrence."""

    x: float
    h: float
    factor: float  # dh_t/dh_(t-1)


class Toy(NamedTuple):
    """The recurrence over a few inputs, from h_0 = 0."""

    steps: list[ToyStep]
    product: float  # dh_T/dh_1: the factors of steps 2 to T
    automatic: float  # the same, by automatic differentiation of the package's vanilla cell in float32


def run_toy(inputs: Sequence[float]) -> Toy:
    """Returns every step, and the derivative of the last state with respect to the first; needs two inputs or more."""
    steps, h = [], 0.0
    for x in inputs:
        h = float(np.tanh(KERNEL * x + RECURRENT * h + BIAS))
        steps.append(ToyStep(x, h, RECURRENT * (1.0 - h**2)))
    product = float(np.prod([step.factor for step in steps[1:]]))
    return Toy(steps, product, _automatic(inputs))


def _automatic(inputs: Sequence[float]) -> float:
    cell = RNNCell(1, forget_bias=0.0, layer_norm=False, dtype="float32", name="toy")
    cell.build(1, 0)
    for variable, value in ((cell.kernel, KERNEL), (cell.recurrent_kernel, RECURRENT), (cell.bias, BIAS)):
        variable.assign(tf.fill(variable.shape, value))
    projected = cell.project(tf.reshape(tf.constant(inputs, tf.float32), [-1, 1, 1]))  # [T, 1, 1]
    weights, nothing = cell.weights_for_steps(), tf.zeros([1, 0])
    (first,) = cell.step(weights, projected[0], nothing, cell.zero_state(1))
    with tf.GradientTape() as tape:
        tape.watch(first)
        state: tuple[tf.Tensor, ...] = (first,)
        for t in range(1, len(inputs)):
            state = cell.step(weights, projected[t], nothing, state)
    return float(tape.gradient(state[0], first)[0, 0])
