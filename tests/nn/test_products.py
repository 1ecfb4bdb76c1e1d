"""A product equals NumPy's in any shape; with a 16-bit kernel only the factors are rounded."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.products import DTYPES, cast, product

B, T, X, H = 2, 3, 257, 5


@pytest.mark.parametrize("shape", [[T, X], [B, T, X], [1, B, T, X], [0, X], [B, 0, X]], ids=str)
@pytest.mark.parametrize("transpose", [False, True])
def test_a_product_equals_numpy_in_any_shape(shape: list[int], transpose: bool, rng: np.random.Generator) -> None:
    x, kernel = rng.normal(size=shape), rng.normal(size=[X, H])
    given = cast(tf.constant(kernel.T if transpose else kernel, tf.float32), "float32")
    found = product(tf.constant(x, tf.float32), given, transpose_kernel=transpose)
    assert found.shape == [*shape[:-1], H]
    np.testing.assert_allclose(found, x @ kernel, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("shape", [[T, X], [B, T, X]], ids=str)
def test_with_16_bits_the_factors_are_rounded_and_the_sum_is_not(
    precision: str, shape: list[int], rng: np.random.Generator
) -> None:
    x, kernel = (tf.constant(rng.normal(size=s), tf.float32) for s in (shape, [X, H]))
    dtype = DTYPES[precision]
    found = product(x, cast(kernel, precision))
    assert found.dtype == tf.float32
    rounded = [np.asarray(tf.cast(tf.cast(a, dtype), tf.float64)) for a in (x, kernel)]
    # The sum of 257 products is rounded once: summing in 16 bits would lose ten times as much.
    np.testing.assert_allclose(found, rounded[0] @ rounded[1], rtol=1 / 128, atol=0.02)


def test_every_precision_but_auto_names_a_type() -> None:
    assert set(DTYPES) == {"float32", "bfloat16", "float16"}
