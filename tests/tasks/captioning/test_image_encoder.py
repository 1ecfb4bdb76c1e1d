"""The convolutional encoder follows its equations, and its grid encodes positions."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.tasks.captioning.config import CaptioningModelConfig
from seq2seq_tf.tasks.captioning.image_encoder import ImageEncoder
from tests import oracles

B, SIZE = 3, 12
SEED = tf.constant([3, 5])

pytestmark = pytest.mark.usefixtures("seed")


def make(rng: np.random.Generator, *, dtype: str = "float32", **changes: Any) -> ImageEncoder:
    config = CaptioningModelConfig(**{"filters": 2, "encoder_dropout": 0.0, **changes})
    encoder = ImageEncoder(config, SIZE, dtype=dtype)
    encoder.build()
    oracles.randomise(encoder, rng)
    return encoder


def draw(rng: np.random.Generator, count: int = B) -> np.ndarray:
    return rng.integers(0, 256, [count, SIZE, SIZE]).astype(np.uint8)


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Convolves one image [rows, columns, I]: zero padding, a sum of products in every window, then max(0, .)."""
    before = 1 if stride == 1 else 0  # TensorFlow's "same" for even sizes puts the odd row of zeros last
    padded = np.pad(x, [(before, 1), (before, 1), (0, 0)])
    side = x.shape[0] // stride
    out = np.zeros([side, side, kernel.shape[3]])
    for row in range(side):
        for column in range(side):
            window = padded[row * stride : row * stride + 3, column * stride : column * stride + 3]
            out[row, column] = np.einsum("rci,rcio->o", window, kernel) + bias
    return np.maximum(out, 0.0)


def test_the_grid_equals_numpy(rng: np.random.Generator) -> None:
    encoder, images = make(rng), draw(rng)
    got = encoder.encode(images, dropout_seed=None)
    rows, columns = (np.asarray(v, np.float64) for v in (encoder.rows, encoder.columns))
    for image, values in zip(images, got.values, strict=True):
        x = image[..., np.newaxis] / 255.0
        for convolution, stride in zip(encoder.convolutions, (1, 2, 1, 2, 1), strict=True):
            kernel, bias = (np.asarray(v, np.float64) for v in (convolution.kernel, convolution.bias))
            x = convolve(x, kernel, bias, stride)
        expected = [[x[r, c] + rows[r, 0] + columns[0, c] for c in range(3)] for r in range(3)]
        np.testing.assert_allclose(values, np.reshape(expected, [9, -1]), rtol=1e-4, atol=1e-4)
    assert got.mask.shape == (B, 9)
    assert bool(tf.reduce_all(got.mask))
    assert got.final == ()


@pytest.mark.parametrize(("halvings", "side", "units"), [(1, 6, 4), (2, 3, 8)])
def test_each_halving_doubles_the_channels(halvings: int, side: int, units: int, rng: np.random.Generator) -> None:
    encoder = make(rng, halvings=halvings)
    assert (encoder.side, encoder.value_units) == (side, units)
    assert encoder.encode(draw(rng), dropout_seed=None).values.shape == (B, side * side, units)


def test_a_batch_equals_single_images(rng: np.random.Generator) -> None:
    encoder, images = make(rng), draw(rng)
    together = encoder.encode(images, dropout_seed=None).values
    for row in range(B):
        alone = encoder.encode(images[row : row + 1], dropout_seed=None).values[0]
        np.testing.assert_allclose(together[row], alone, rtol=1e-5, atol=1e-5)


def test_equal_pixels_at_two_places_differ_only_by_row_and_column_vectors(rng: np.random.Generator) -> None:
    encoder = make(rng, halvings=1)
    values = tf.reshape(encoder.encode(np.zeros([1, SIZE, SIZE], np.uint8), dropout_seed=None).values, [6, 6, -1])
    inner = values[2:4, 2:4] - encoder.rows[2:4] - encoder.columns[:, 2:4]  # no window there reaches the edge
    np.testing.assert_allclose(inner, np.broadcast_to(inner[0, 0], inner.shape), atol=1e-5)
    assert np.abs(values[2, 2] - values[3, 2]).max() > 1e-3


def test_eager_equals_tf_function(rng: np.random.Generator) -> None:
    encoder, images = make(rng), draw(rng)
    traced = tf.function(
        lambda x: encoder.encode(x, dropout_seed=None),
        input_signature=[tf.TensorSpec([None, SIZE, SIZE], tf.uint8)],
    )
    expected = encoder.encode(images, dropout_seed=None).values
    np.testing.assert_allclose(traced(images).values, expected, rtol=1e-5, atol=1e-5)
    assert traced(images[:0]).values.shape == (0, 9, 8)


def test_bfloat16_is_close_and_keeps_float32_outside(rng: np.random.Generator) -> None:
    encoder, rough, images = make(rng), make(rng, dtype="mixed_bfloat16"), draw(rng)
    for mine, theirs in zip(rough.variables, encoder.variables, strict=True):
        mine.assign(theirs)
    exact, close = (e.encode(images, dropout_seed=None).values for e in (encoder, rough))
    assert close.dtype == tf.float32
    assert {v.dtype for v in rough.variables} == {"float32"}
    assert 0.0 < np.abs(exact - close).max() < 0.05 * np.abs(exact).max()


def test_dropout_is_active_only_in_training_and_repeats_with_its_seed(rng: np.random.Generator) -> None:
    encoder, images = make(rng, encoder_dropout=0.5), draw(rng)
    exact = encoder.encode(images, dropout_seed=None).values
    first, second, other = (encoder.encode(images, dropout_seed=s).values for s in (SEED, SEED, SEED + 1))
    np.testing.assert_array_equal(first, second)
    assert np.any(first != other)
    kept = first != 0.0
    np.testing.assert_allclose(first[kept], 2.0 * exact[kept], rtol=1e-5)
    assert 0.3 < np.mean(kept) < 0.7


def test_the_initial_vectors_of_rows_and_columns_follow_their_option() -> None:
    config = dataclasses.replace(CaptioningModelConfig(), filters=50, position_scale=3.0)
    encoder = ImageEncoder(config, 40, dtype="float32")
    encoder.build()
    np.testing.assert_allclose([np.std(encoder.rows), np.std(encoder.columns)], 3.0, rtol=0.1)
    assert {v.path.split("/")[1] for v in encoder.variables} == {
        *(f"convolution_{n}" for n in range(5)),
        "rows",
        "columns",
    }
