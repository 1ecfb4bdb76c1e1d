"""Gaussians and quantiles equal SciPy and plain NumPy; losses have the gradients of their definition."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from seq2seq_tf.tasks.forecasting.distributions import Distribution, Gaussian, Quantiles, distribution_of
from tests.oracles import numeric_gradients
from tests.series_runs import model_config

LEVELS = (0.1, 0.25, 0.7)


def numpy_loss(kind: str, params: np.ndarray, z: np.ndarray) -> np.ndarray:
    if kind == "gaussian":
        return -stats.norm.logpdf(z, params[..., 0], np.exp(5.0 * np.tanh(params[..., 1] / 10.0)))
    values = numpy_quantiles(params)
    losses = [
        np.where(z >= q, level * (z - q), (1.0 - level) * (q - z))
        for level, q in zip(LEVELS, np.moveaxis(values, -1, 0), strict=True)
    ]
    return np.mean(losses, 0)


def numpy_quantiles(params: np.ndarray) -> np.ndarray:
    steps = np.concatenate([params[..., :1], np.log1p(np.exp(params[..., 1:]))], -1)
    return np.cumsum(steps, -1)


def made(kind: str) -> Distribution:
    return Gaussian() if kind == "gaussian" else Quantiles(LEVELS)


@pytest.mark.parametrize("kind", ["gaussian", "quantile"])
def test_loss_and_gradients_equal_the_definition(kind: str, rng: np.random.Generator) -> None:
    distribution = made(kind)
    params = rng.normal(0.0, 1.0, [2, 5, distribution.parameters]).astype(np.float32)
    z = rng.normal(0.0, 2.0, [2, 5]).astype(np.float32)
    given = {"params": params, "z": z}
    tensors = {name: tf.constant(value) for name, value in given.items()}
    with tf.GradientTape() as tape:
        tape.watch(list(tensors.values()))
        losses = distribution.loss(**tensors)
        total = tf.reduce_sum(losses)
    np.testing.assert_allclose(losses, numpy_loss(kind, params.astype(np.float64), z), rtol=1e-5, atol=1e-6)
    wanted = numeric_gradients(lambda params, z: float(numpy_loss(kind, params, z).sum()), given)
    for name, gradient in tape.gradient(total, tensors).items():
        np.testing.assert_allclose(gradient, wanted[name], atol=1e-4)


def test_the_inverse_of_a_gaussian_is_that_of_scipy(rng: np.random.Generator) -> None:
    params = rng.normal(0.0, 1.0, [3, 2]).astype(np.float32)
    u = np.array([0.001, 0.5, 0.95], np.float32)
    deviation = np.exp(5.0 * np.tanh(params[:, 1] / 10.0))
    found = Gaussian().inverse(tf.constant(params), tf.constant(u))
    np.testing.assert_allclose(found, stats.norm.ppf(u, params[:, 0], deviation), rtol=1e-4)
    np.testing.assert_array_equal(Gaussian().mean(tf.constant(params)), params[:, 0])


@pytest.mark.parametrize("raw", [-1e4, 1e4])
def test_no_prediction_overflows(raw: float) -> None:
    params = tf.constant([[0.5, raw]])
    assert np.isfinite(Gaussian().loss(params, tf.constant([300.0]))).all()
    assert np.isfinite(Gaussian().inverse(params, tf.constant([0.999]))).all()


def test_quantiles_never_cross_and_are_the_inverse_at_their_levels(rng: np.random.Generator) -> None:
    params = tf.constant(rng.normal(0.0, 3.0, [11, 3]), tf.float32)
    distribution = Quantiles(LEVELS)
    values = distribution.values(params).numpy()
    assert (np.diff(values) > 0).all()
    np.testing.assert_allclose(values, numpy_quantiles(params.numpy()), rtol=1e-5, atol=1e-5)
    for n, level in enumerate(LEVELS):
        found = distribution.inverse(params, tf.fill([11], np.float32(level)))
        np.testing.assert_allclose(found, values[:, n], rtol=1e-5, atol=1e-5)


def test_between_and_beyond_the_levels_the_inverse_is_linear(rng: np.random.Generator) -> None:
    params = tf.constant(rng.normal(0.0, 1.0, [1, 3]), tf.float32)
    distribution = Quantiles(LEVELS)
    low, middle, high = distribution.values(params).numpy()[0].astype(np.float64)
    ends = [low - (middle - low) / 0.15 * 0.1, high + (high - middle) / 0.45 * 0.3]
    grid = ((np.arange(4096) + 0.5) / 4096).astype(np.float32)
    found = distribution.inverse(tf.repeat(params, 4096, 0), tf.constant(grid)).numpy()
    wanted = np.interp(grid, [0.0, *LEVELS, 1.0], [ends[0], low, middle, high, ends[1]])
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    np.testing.assert_allclose(distribution.mean(params)[0], wanted.mean(), atol=1e-4)


def test_the_configuration_chooses() -> None:
    assert isinstance(distribution_of(model_config()), Gaussian)
    chosen = distribution_of(model_config(distribution="quantile", quantiles="0.1,0.9"))
    assert isinstance(chosen, Quantiles)
    assert chosen.parameters == 2
