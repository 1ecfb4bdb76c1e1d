"""An optimiser updates variables as that of Keras does, at any learning rate, and exposes its whole state."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.config.common import OPTIMIZERS, TrainConfig
from seq2seq_tf.training.optimizer import Optimizer, make_optimizer

ROWS, INPUTS, OUTPUTS = 31, 5, 3


class LeastSquares:
    """A problem with a matrix and a bias to be found."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.kernel = keras.Variable(random.normal(size=(INPUTS, OUTPUTS)), dtype="float32", name="kernel")
        self.bias = keras.Variable(random.normal(size=(OUTPUTS,)), dtype="float32", name="bias")
        self.variables = [self.kernel, self.bias]

    def gradients(self, seed: int) -> tuple[float, list[tf.Tensor]]:
        """Returns the loss on some data, and its gradients."""
        inputs = np.random.default_rng(seed).normal(size=(ROWS, INPUTS)).astype(np.float32)
        with tf.GradientTape() as tape:
            errors = inputs @ self.kernel.value + self.bias.value - (inputs @ np.ones((INPUTS, OUTPUTS)) + 2.0)
            loss = tf.reduce_mean(tf.square(errors))
        return float(loss), tape.gradient(loss, [v.value for v in self.variables])


def made(problem: LeastSquares, name: str, **options: float) -> Optimizer:
    return make_optimizer(problem.variables, TrainConfig(optimizer=name, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "oracle",
    [
        keras.optimizers.Adam(beta_2=0.98, epsilon=1e-8),
        keras.optimizers.AdamW(beta_2=0.98, epsilon=1e-8, weight_decay=0.05),
    ],
    ids=["adam", "adamw"],
)
def test_fused_adam_is_adam_of_keras(oracle: keras.optimizers.Optimizer) -> None:
    name = "adamw" if isinstance(oracle, keras.optimizers.AdamW) else "adam"
    ours, theirs = LeastSquares(1), LeastSquares(1)
    optimizer = made(ours, name, adam_beta2=0.98, weight_decay=0.05)  # only adamw decays
    oracle.build(theirs.variables)
    if name == "adamw":
        oracle.exclude_from_weight_decay(var_list=[theirs.bias])
    for step in range(7):
        rate = 0.1 / (step + 1)
        _, gradients = ours.gradients(step)
        optimizer.apply(gradients, tf.constant(rate))
        oracle.learning_rate.assign(rate)
        oracle.apply_gradients(zip(gradients, theirs.variables, strict=True))
        for found, expected in zip(ours.variables, theirs.variables, strict=True):
            np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns_and_its_variables_are_its_whole_state(name: str) -> None:
    rate = tf.constant({"adadelta": 50.0, "sgd": 0.05}.get(name, 0.2))
    one = LeastSquares(1)
    optimizer = made(one, name)
    losses = []
    for _ in range(30):
        loss, gradients = one.gradients(1)
        losses.append(loss)
        optimizer.apply(gradients, rate)
    assert losses[-1] < 0.5 * losses[0]
    two = LeastSquares(2)
    other = made(two, name)
    for mine, yours in zip(one.variables, two.variables, strict=True):
        yours.assign(mine)
    assert set(other.state()) == set(optimizer.state())
    for path, variable in other.state().items():
        variable.assign(optimizer.state()[path])
    for seed in range(3):
        for problem, each in ((one, optimizer), (two, other)):
            each.apply(problem.gradients(seed)[1], rate)
    for mine, yours in zip(one.variables, two.variables, strict=True):
        np.testing.assert_array_equal(mine, yours)
