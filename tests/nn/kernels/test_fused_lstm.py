"""The hand-written gradient of an LSTM over time equals that of the plain loop, also for empty rows and in reverse."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.cells import LSTMCell
from seq2seq_tf.nn.recurrent import unroll
from tests import oracles

B, T, X, H = 3, 7, 2, 5

pytestmark = pytest.mark.usefixtures("seed")


def padded(rng: np.random.Generator, lengths: tuple[int, ...], width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns inputs [B, T, X], with garbage on padding, and the mask [B, T]."""
    inputs = tf.constant(rng.normal(size=[len(lengths), width, X]), tf.float32)
    return inputs, tf.sequence_mask(lengths, width)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [(7, 7, 7), (7, 1, 4), (0, 2, 6)])
def test_fused_gradients_equal_automatic_ones(
    lengths: tuple[int, ...], reverse: bool, rng: np.random.Generator
) -> None:
    cell = LSTMCell(H, forget_bias=1.0, layer_norm=False, dtype="float32", name="cell")
    cell.build(X, 0)
    oracles.randomise(cell, rng)
    inputs, mask = padded(rng, lengths, T)
    initial = tuple(tf.constant(rng.normal(size=[B, H]), tf.float32) for _ in range(2))
    upstream = [tf.constant(rng.normal(size=s), tf.float32) for s in ([B, T, H], [B, H], [B, H])]

    def values_and_gradients(fused: bool) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch([inputs, *initial])
            outputs, final = unroll(cell, inputs, mask, initial, reverse=reverse, fused=fused)
            values = [outputs, *final]
            loss = tf.add_n([tf.reduce_sum(u * v) for u, v in zip(upstream, values, strict=True)])
        return values, tape.gradient(loss, [inputs, *initial, *cell.trainable_variables])

    (values, gradients), (plain_values, plain_gradients) = values_and_gradients(True), values_and_gradients(False)
    for got, expected in zip(values, plain_values, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)
    for got, expected in zip(gradients, plain_gradients, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=5e-5)
