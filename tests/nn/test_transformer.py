"""Stacks of Transformer blocks: the equations in NumPy, and the same results piece by piece as all at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.transformer import Ran, TransformerStack
from seq2seq_tf.structures import TransformerMemory
from tests import oracles
from tests.transformer_oracles import transformer_stack

B, T, S, E, D, HEADS, UNITS, FEED, LAYERS = 3, 5, 7, 8, 13, 2, 12, 11, 2
LENGTHS = (5, 2, 3)  # of the encoder's sequences
SOURCES = (3, 7, 2)
ROTARY = pytest.mark.parametrize("positions", ["rotary", "sinusoidal"])

pytestmark = pytest.mark.usefixtures("seed")


def made(rng: np.random.Generator, *, decoder: bool, units: int = UNITS, **changes: Any) -> TransformerStack:
    config = oracles.small_config(transformer_heads=HEADS, feed_forward_units=FEED, **changes)
    stack = TransformerStack(config, units, LAYERS, decoder, dtype="float32", name="stack")
    stack.build((None, None, E), D if decoder else None)
    oracles.randomise(stack, rng, 0.3)
    return stack


def weights(stack: TransformerStack) -> dict[str, np.ndarray]:
    return {v.path.removeprefix("stack/"): np.asarray(v, np.float64) for v in stack.trainable_variables}


def draw(rng: np.random.Generator) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns embeddings [B, T, E] and source vectors [B, S, D]."""
    return tuple(tf.constant(rng.normal(size=shape), tf.float32) for shape in ([B, T, E], [B, S, D]))


def read(stack: TransformerStack, values: tf.Tensor) -> TransformerMemory:
    layers = [b.source.keys_and_values(b.source.weights_for_steps(), values) for b in stack.blocks if b.source]
    return TransformerMemory(tuple(layers), tf.sequence_mask(SOURCES, S))


def decode(stack: TransformerStack, x: tf.Tensor, memory: TransformerMemory, seed: tf.Tensor | None = None) -> Ran:
    return stack.run(stack.weights_for_steps(), x, None, stack.empty_cache(tf.shape(x)[0]), memory, seed)


@ROTARY
@pytest.mark.parametrize("units", [E, UNITS])  # without and with an input projection
def test_an_encoder_equals_numpy_and_ignores_padding(positions: str, units: int, rng: np.random.Generator) -> None:
    stack = made(rng, decoder=False, units=units, positions=positions)
    x, _ = draw(rng)
    found = stack.run(stack.weights_for_steps(), x, tf.sequence_mask(LENGTHS, T)).hidden
    for row, length in enumerate(LENGTHS):
        real = np.asarray(x[row, :length], np.float64)
        expected, _ = transformer_stack(weights(stack), real, None, HEADS, positions == "rotary")
        np.testing.assert_allclose(found[row, :length], expected, atol=1e-4)


@ROTARY
def test_a_decoder_and_its_gradients_equal_numpy(positions: str, rng: np.random.Generator) -> None:
    stack = made(rng, decoder=True, positions=positions)
    (x, values), upstream, w = draw(rng), rng.normal(size=[B, T, UNITS]), weights(stack)

    def loss_at(w: dict[str, np.ndarray]) -> float:
        total = 0.0
        for row, length in enumerate(SOURCES):
            pair = (np.asarray(x[row], np.float64), np.asarray(values[row, :length], np.float64))
            total += np.sum(upstream[row] * transformer_stack(w, *pair, HEADS, positions == "rotary")[0])
        return float(total)

    with tf.GradientTape() as tape:
        ran = decode(stack, x, read(stack, values))
        loss = tf.reduce_sum(ran.hidden * tf.constant(upstream, tf.float32))
    np.testing.assert_allclose(loss, loss_at(w), rtol=1e-4, atol=1e-3)
    _, shown = transformer_stack(
        w, np.asarray(x[0], np.float64), np.asarray(values[0, : SOURCES[0]], np.float64), HEADS, positions == "rotary"
    )
    assert ran.attention_weights is not None
    np.testing.assert_allclose(ran.attention_weights[0, :, :, : SOURCES[0]], shown, atol=1e-4)
    for variable, gradient in zip(
        stack.trainable_variables, tape.gradient(loss, stack.trainable_variables), strict=True
    ):
        name, array = variable.path.removeprefix("stack/"), tf.convert_to_tensor(gradient).numpy()
        place = np.unravel_index(rng.integers(array.size), array.shape)

        def at(value: np.ndarray, name: str = name, place: tuple = place) -> float:
            changed = w[name].copy()
            changed[place] = value[0]
            return loss_at({**w, name: changed})

        expected = oracles.numeric_gradient(at, w[name][place][np.newaxis], step=1e-7)[0]  # rarely crosses relu's kink
        np.testing.assert_allclose(array[place], expected, rtol=1e-3, atol=1e-3, err_msg=name)


@ROTARY
def test_pieces_one_by_one_or_in_parts_equal_all_at_once(positions: str, rng: np.random.Generator) -> None:
    stack = made(rng, decoder=True, positions=positions)
    x, values = draw(rng)
    memory = read(stack, values)
    whole = decode(stack, x, memory)
    for parts in ([1] * T, [2, 3]):
        cache, outputs = stack.empty_cache(tf.constant(B)), list[tf.Tensor]()
        for part in tf.split(x, parts, axis=1):
            ran = stack.run(stack.weights_for_steps(), part, None, cache, memory)
            cache, outputs = ran.cache, [*outputs, ran.hidden]
        np.testing.assert_allclose(tf.concat(outputs, 1), whole.hidden, atol=1e-5)


def test_one_trace_serves_all_lengths_and_equals_the_eager_result(rng: np.random.Generator) -> None:
    stack = made(rng, decoder=True)
    specs = [tf.TensorSpec([None, None, E], tf.float32), tf.TensorSpec([None, None, D], tf.float32)]

    def run(x: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        return decode(stack, x, read(stack, values)._replace(mask=tf.ones(tf.shape(values)[:2], tf.bool))).hidden

    traced, (x, values) = tf.function(run, input_signature=specs, autograph=False), draw(rng)
    for rows, steps in ((B, T), (2, 3), (0, 2)):
        given = x[:rows, :steps], values[:rows, :steps]
        np.testing.assert_allclose(traced(*given), run(*given), atol=1e-5)
    assert traced.experimental_get_tracing_count() == 1


def test_dropout_repeats_with_its_seed_and_differs_between_parts(rng: np.random.Generator) -> None:
    stack = made(rng, decoder=True, layer_dropout=0.5)
    x, values = draw(rng)
    memory = read(stack, values)
    same, again, other = (decode(stack, x, memory, tf.constant(seed)).hidden for seed in ([3, 5], [3, 5], [3, 6]))
    np.testing.assert_array_equal(same, again)
    assert np.any(same != other)
    assert np.any(same != decode(stack, x, memory).hidden)
    assert len({dropout.site for block in stack.blocks for dropout in block._dropouts}) == 3 * LAYERS
