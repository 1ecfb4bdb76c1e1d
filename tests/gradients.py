"""Assertions about the gradients of any task model without a carry between batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

SEED = tf.constant([3, 5])  # for dropout


def loss_and_gradients(model: Any, batch: Any) -> tuple[Any, list[Any]]:
    """Returns the `LossSum` of a training step, and its gradients with respect to `model.trainable_variables`."""
    with tf.GradientTape() as tape:
        loss, _ = model.batch_loss(batch, (), dropout_seed=SEED)
    return loss, tape.gradient(loss.total, model.trainable_variables)


def assert_every_variable_gets_a_gradient(model: Any, batch: Any) -> None:
    variables = model.trainable_variables
    for variable, gradient in zip(variables, loss_and_gradients(model, batch)[1], strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.path
        assert np.any(tf.convert_to_tensor(gradient) != 0.0), variable.path


def assert_no_loss_and_no_gradient(model: Any, batch: Any) -> None:
    loss, found = loss_and_gradients(model, batch)
    np.testing.assert_array_equal(loss, [0.0, 0.0, 0.0])
    for gradient in found:
        np.testing.assert_array_equal(tf.convert_to_tensor(gradient), 0.0)


def assert_fused_equals_plain(fused: Any, plain: Any, batch: Any) -> None:
    """Copies the weights of the fused model to the plain one, and compares their losses and gradients."""
    for mine, theirs in zip(plain.trainable_variables, fused.trainable_variables, strict=True):
        mine.assign(theirs)
    results = []
    for model in (fused, plain):
        loss, found = loss_and_gradients(model, batch)
        results.append([*loss, *(tf.convert_to_tensor(g) for g in found)])
    for got, expected in zip(*results, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=5e-5)
