"""Optimisers behind one small interface: apply gradients at a given learning rate, expose the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import keras
import tensorflow as tf

from seq2seq_tf.config.common import TrainConfig


class Optimizer(Protocol):
    """Updates variables from their gradients."""

    def apply(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """Makes one update; gradients are dense and in the order of the variables, the learning rate is a scalar."""

    def state(self) -> dict[str, tf.Variable]:
        """Returns name -> variable of everything that a resumed run needs."""


class FusedAdam:
    """Adam (Kingma 2015), and AdamW (Loshchilov 2019), with TensorFlow's one-kernel update.

    keras.optimizers.Adam reads and writes each variable about ten times per update, this one once; a test compares the
    two.
    """

    _BETA_1 = 0.9
    _EPSILON = 1e-8

    def __init__(self, variables: Sequence[keras.Variable], config: TrainConfig) -> None:
        self._variables = tuple(variables)
        self._beta_2 = config.adam_beta2
        self._decay = config.weight_decay if config.optimizer == "adamw" else 0.0
        self._m = tuple(tf.Variable(tf.zeros(v.shape), trainable=False) for v in self._variables)
        self._v = tuple(tf.Variable(tf.zeros(v.shape), trainable=False) for v in self._variables)
        self._updates = tf.Variable(0, dtype=tf.int64, trainable=False)

    def apply(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor) -> None:
        updates = tf.cast(self._updates.assign_add(1), tf.float32)
        for variable, m, v, gradient in zip(self._variables, self._m, self._v, gradients, strict=True):
            target = variable.value
            if self._decay and len(variable.shape) > 1:
                # Biases and gains are not decayed.
                target.assign_sub(learning_rate * self._decay * target)
            tf.raw_ops.ResourceApplyAdam(
                var=target.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=tf.pow(self._BETA_1, updates),
                beta2_power=tf.pow(self._beta_2, updates),
                lr=learning_rate,
                beta1=self._BETA_1,
                beta2=self._beta_2,
                epsilon=self._EPSILON,
                grad=gradient,
                use_locking=False,
                use_nesterov=False,
            )

    def state(self) -> dict[str, tf.Variable]:
        named = {"updates": self._updates}
        for variable, m, v in zip(self._variables, self._m, self._v, strict=True):
            named[f"m/{variable.path}"] = m
            named[f"v/{variable.path}"] = v
        return named


class KerasOptimizer:
    """Any other Keras optimiser, by name."""

    def __init__(self, variables: Sequence[keras.Variable], config: TrainConfig) -> None:
        # Named, since Keras would call the second one in a process "sgd_1", which would not match a checkpoint.
        self._name = config.optimizer
        options = {"learning_rate": config.learning_rate, "name": config.optimizer}
        self._optimizer = keras.optimizers.get({"class_name": config.optimizer, "config": options})
        self._variables = tuple(variables)
        self._optimizer.build(self._variables)

    def apply(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor) -> None:
        self._optimizer.learning_rate.assign(learning_rate)
        self._optimizer.apply_gradients(zip(gradients, self._variables, strict=True))

    def state(self) -> dict[str, tf.Variable]:
        own = self._name + "/"  # other paths, such as nadam's "variable_3", are numbered per process
        variables = enumerate(self._optimizer.variables)
        return {v.path if v.path.startswith(own) else f"{own}{n}": v.value for n, v in variables}


def make_optimizer(variables: Sequence[keras.Variable], config: TrainConfig) -> Optimizer:
    """Returns the configured optimiser with its state created."""
    if config.optimizer in ("adam", "adamw"):
        return FusedAdam(variables, config)
    return KerasOptimizer(variables, config)
