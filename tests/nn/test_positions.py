"""Positions of a Transformer: the formulas of the papers, at any length."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from seq2seq_tf.nn.positions import rotate, sinusoidal
from tests import transformer_oracles

T, UNITS, HEADS = 13, 6, 3


def test_sinusoidal_positions_equal_the_formula() -> None:
    found = sinusoidal(tf.range(T), UNITS).numpy()
    for p in range(T):
        for i in range(UNITS // 2):
            angle = p / 10_000.0 ** (2 * i / UNITS)
            np.testing.assert_allclose(found[p, i], np.sin(angle), atol=1e-6)
            np.testing.assert_allclose(found[p, i + UNITS // 2], np.cos(angle), atol=1e-6)


def test_a_rotation_multiplies_complex_numbers(rng: np.random.Generator) -> None:
    x = rng.normal(size=[HEADS, T, UNITS])
    found = rotate(tf.constant(x, tf.float32), tf.range(T))
    for head in range(HEADS):
        np.testing.assert_allclose(found[head], transformer_oracles.rotated(x[head]), atol=1e-5)


def test_products_of_rotated_vectors_depend_on_their_distance_only(rng: np.random.Generator) -> None:
    q, k = (tf.constant(rng.normal(size=[1, UNITS]), tf.float32) for _ in range(2))

    def score(query_at: int, key_at: int) -> float:
        return float(tf.reduce_sum(rotate(q, tf.constant([query_at])) * rotate(k, tf.constant([key_at]))))

    np.testing.assert_allclose(score(7, 2), score(1005, 1000), atol=1e-3)
    assert abs(score(7, 2) - score(7, 3)) > 1e-3
