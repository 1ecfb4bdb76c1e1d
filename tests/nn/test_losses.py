"""Label-smoothed cross-entropy: the definition, Keras, and a fast version with its own gradient agree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.losses import TokenLosses, plain_cross_entropy, projected_cross_entropy
from tests import oracles

N, D, V = 5, 3, 7
SMOOTHINGS = [0.0, 0.1, 0.7]
BOTH = [plain_cross_entropy, projected_cross_entropy]

CrossEntropy = Callable[..., TokenLosses]


@pytest.fixture
def given(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"hidden": rng.normal(size=[N, D]), "table": rng.normal(size=[V, D]), "bias": rng.normal(size=[V])}


@pytest.fixture
def labels(rng: np.random.Generator) -> np.ndarray:
    drawn = rng.integers(0, V, size=N).astype(np.int32)
    drawn[-1] = drawn[0]  # a piece that occurs twice: its row's gradients must add up
    return drawn


def gradients(
    loss: CrossEntropy, given: dict[str, np.ndarray], labels: np.ndarray, smoothing: float, upstream: np.ndarray
) -> list[tf.Tensor]:
    tensors = [tf.constant(x, tf.float32) for x in given.values()]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = tf.reduce_sum(loss(*tensors, labels, smoothing).smoothed * tf.constant(upstream, tf.float32))
    return tape.gradient(total, tensors)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("loss", BOTH)
def test_loss_equals_numpy(
    loss: CrossEntropy, smoothing: float, given: dict[str, np.ndarray], labels: np.ndarray
) -> None:
    got = loss(*(tf.constant(x, tf.float32) for x in given.values()), labels, smoothing)
    expected = oracles.smoothed_cross_entropy(**given, labels=labels, smoothing=smoothing)
    np.testing.assert_allclose(got.smoothed, expected, rtol=1e-5, atol=2e-6)
    expected = oracles.smoothed_cross_entropy(**given, labels=labels, smoothing=0.0)
    np.testing.assert_allclose(got.nll, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("loss", BOTH)
def test_loss_equals_keras(
    loss: CrossEntropy, smoothing: float, given: dict[str, np.ndarray], labels: np.ndarray
) -> None:
    got = loss(*(tf.constant(x, tf.float32) for x in given.values()), labels, smoothing)
    keras_loss = tf.keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing, reduction=None)
    logits = given["hidden"] @ given["table"].T + given["bias"]
    expected = keras_loss(tf.one_hot(labels, V), tf.constant(logits, tf.float32))
    np.testing.assert_allclose(got.smoothed, expected, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("loss", BOTH)
def test_gradient_equals_numeric_gradient(
    loss: CrossEntropy,
    smoothing: float,
    given: dict[str, np.ndarray],
    labels: np.ndarray,
    rng: np.random.Generator,
) -> None:
    upstream = rng.normal(size=N)

    def total(**tensors: np.ndarray) -> float:
        return float(upstream @ oracles.smoothed_cross_entropy(**tensors, labels=labels, smoothing=smoothing))

    expected = oracles.numeric_gradients(total, given)
    for got, name in zip(gradients(loss, given, labels, smoothing, upstream), given, strict=True):
        np.testing.assert_allclose(got, expected[name], rtol=1e-4, atol=5e-5, err_msg=name)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_projected_gradient_equals_plain_gradient_at_real_sizes(smoothing: float, rng: np.random.Generator) -> None:
    rows, depth, vocab = 211, 61, 1009
    given = {"hidden": rng.normal(size=[rows, depth]), "table": rng.normal(size=[vocab, depth]) * 0.3}
    given["bias"] = rng.normal(size=[vocab])
    labels = rng.integers(0, vocab, size=rows).astype(np.int32)
    plain, projected = (gradients(loss, given, labels, smoothing, np.ones(rows)) for loss in BOTH)
    for got, expected in zip(projected, plain, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("loss", BOTH)
def test_large_logits_give_finite_numbers(loss: CrossEntropy, given: dict[str, np.ndarray], labels: np.ndarray) -> None:
    loud = {**given, "hidden": 1e4 * given["hidden"]}
    got = loss(*(tf.constant(x, tf.float32) for x in loud.values()), labels, 0.1)
    found = [*got, *gradients(loss, loud, labels, 0.1, np.ones(N))]
    assert all(np.isfinite(x).all() for x in found)


@pytest.mark.parametrize("loss", BOTH)
def test_no_tokens_give_no_loss_and_no_gradient(loss: CrossEntropy, given: dict[str, np.ndarray]) -> None:
    nothing = {**given, "hidden": np.zeros([0, D])}
    labels = np.zeros([0], np.int32)
    got = loss(*(tf.constant(x, tf.float32) for x in nothing.values()), labels, 0.1)
    assert got.smoothed.shape == got.nll.shape == [0]
    for gradient in gradients(loss, nothing, labels, 0.1, np.zeros([0])):
        np.testing.assert_array_equal(gradient, tf.zeros_like(gradient))


def test_projected_loss_in_bfloat16_is_close_to_float32(rng: np.random.Generator) -> None:
    """bfloat16 keeps 8 bits: a logit of size L is off by up to L / 256, here under 5 / 256 = 0.02; twice that below."""
    hidden, table = (tf.constant(0.3 * rng.normal(size=s), tf.float32) for s in ([N, 61], [1009, 61]))
    bias, labels = tf.zeros([1009]), rng.integers(0, 1009, size=N).astype(np.int32)
    exact = projected_cross_entropy(hidden, table, bias, labels, 0.1)
    rounded = projected_cross_entropy(hidden, tf.cast(table, tf.bfloat16), bias, labels, 0.1)
    np.testing.assert_allclose(rounded.smoothed, exact.smoothed, atol=0.04)
