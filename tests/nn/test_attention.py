"""Additive attention: the formula of the paper, padding without weight, keys shared by the queries of a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.attention import BahdanauAttention
from seq2seq_tf.structures import EncoderOutput, Memory
from tests import oracles

B, S, D, Q, A, K = 2, 5, 3, 7, 11, 13
LENGTHS = (3, 4)

pytestmark = pytest.mark.usefixtures("seed")


@pytest.fixture
def attention(rng: np.random.Generator) -> BahdanauAttention:
    layer = BahdanauAttention(A, precision="float32")
    layer.build(Q, D)
    oracles.randomise(layer, rng)
    return layer


def draw(rng: np.random.Generator, *, queries: int = B) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns queries [N, Q] and values [B, S, D], with garbage on padding."""
    return tuple(tf.constant(rng.normal(size=size), tf.float32) for size in ([queries, Q], [B, S, D]))


def prepare(attention: BahdanauAttention, values: tf.Tensor) -> Memory:
    return attention.prepare(EncoderOutput(values, tf.sequence_mask(LENGTHS, values.shape[1]), ()))


def attend(attention: BahdanauAttention, query: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
    return attention.attend(attention.weights_for_steps(), query, memory)


def test_attention_equals_numpy(attention: BahdanauAttention, rng: np.random.Generator) -> None:
    query, values = draw(rng)
    contexts, attention_weights = attend(attention, query, prepare(attention, values))
    for row, length in enumerate(LENGTHS):
        real = np.asarray(values[row, :length], np.float64)
        context, weights = oracles.additive_attention(oracles.numpy_weights(attention), query[row].numpy(), real)
        np.testing.assert_allclose(contexts[row], context, atol=1e-5)
        np.testing.assert_allclose(attention_weights[row, :length], weights, atol=1e-5)


def test_weights_sum_to_one_on_real_pieces_and_are_zero_on_padding(
    attention: BahdanauAttention, rng: np.random.Generator
) -> None:
    query, values = draw(rng)
    _, attention_weights = attend(attention, query, prepare(attention, values))
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(tf.reduce_sum(attention_weights[row, :length]), 1.0, atol=1e-5)
        np.testing.assert_array_equal(attention_weights[row, length:], 0.0)


def test_padding_does_not_change_the_context(attention: BahdanauAttention, rng: np.random.Generator) -> None:
    query, values = draw(rng)
    wider = tf.concat([values, 100.0 * tf.ones([B, 2, D])], 1)
    context, _ = attend(attention, query, prepare(attention, values))
    padded, _ = attend(attention, query, prepare(attention, wider))
    np.testing.assert_allclose(padded, context, atol=1e-5)


def test_queries_of_one_sentence_equal_a_tiled_memory(attention: BahdanauAttention, rng: np.random.Generator) -> None:
    query, values = draw(rng, queries=B * K)
    memory = prepare(attention, values)
    tiled = tf.nest.map_structure(lambda x: tf.repeat(x, K, axis=0), memory)
    for got, expected in zip(attend(attention, query, memory), attend(attention, query, tiled), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_gradient_equals_numeric_gradient(attention: BahdanauAttention, rng: np.random.Generator) -> None:
    query, values = draw(rng)
    upstream = rng.normal(size=[B, D])
    arrays = {"query": query.numpy(), "values": values.numpy(), **oracles.numpy_weights(attention)}

    def loss(query: np.ndarray, values: np.ndarray, **weights: np.ndarray) -> float:
        rows = zip(upstream, query, values, LENGTHS, strict=True)
        return sum(float(u @ oracles.additive_attention(weights, q, v[:n])[0]) for u, q, v, n in rows)

    expected = oracles.numeric_gradients(loss, arrays)
    with tf.GradientTape() as tape:
        tape.watch([query, values])
        context, _ = attend(attention, query, prepare(attention, values))
        total = tf.reduce_sum(context * tf.constant(upstream, tf.float32))
    names = [*arrays][:2] + [v.name for v in attention.trainable_variables]
    gradients = tape.gradient(total, [query, values, *attention.trainable_variables])
    for name, gradient in zip(names, gradients, strict=True):
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-4, atol=5e-5, err_msg=name)


def test_scores_start_with_about_unit_variance(rng: np.random.Generator) -> None:
    layer = BahdanauAttention(997, precision="float32")
    layer.build(Q, D)
    energies = rng.choice([-1.0, 1.0], size=[499, 997]) @ np.asarray(layer.v, np.float64)
    assert 0.8 < energies.std() < 1.25
