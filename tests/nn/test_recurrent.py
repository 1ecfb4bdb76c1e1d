"""A padded batch equals its sentences alone; the hand-written LSTM gradient equals the automatic one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.cells import LSTMCell
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.recurrent import RecurrentStack, Unrolled, unroll
from tests import oracles

B, T, X, H = 3, 7, 2, 5
LENGTHS = (5, 1, 3)  # shorter than T, so that even the longest row has padding
LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}

pytestmark = pytest.mark.usefixtures("seed")


def make_stack(rng: np.random.Generator, *, layers: int = 2, both: bool = True, **changes: object) -> RecurrentStack:
    config = oracles.small_config(**changes)
    stack = RecurrentStack(config, units=H, layers=layers, bidirectional=both, dtype="float32", name="stack")
    stack.build((None, None, X))
    oracles.randomise(stack, rng)
    return stack


def run(stack: RecurrentStack, inputs: tf.Tensor, mask: tf.Tensor) -> Unrolled:
    return stack.unroll(inputs, mask, stack.zero_state(tf.shape(inputs)[0]), dropout_seed=None)


def padded(rng: np.random.Generator, lengths: tuple[int, ...], width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns inputs [B, T, X], with garbage on padding, and the mask [B, T]."""
    inputs = tf.constant(rng.normal(size=[len(lengths), width, X]), tf.float32)
    return inputs, tf.sequence_mask(lengths, width)


def assert_batch_equals_each_alone(stack: RecurrentStack, inputs: tf.Tensor, lengths: tuple[int, ...]) -> None:
    mask = tf.sequence_mask(lengths, inputs.shape[1])
    together = run(stack, inputs, mask)
    for row, length in enumerate(lengths):
        alone = run(stack, inputs[row : row + 1, :length], tf.ones([1, length], tf.bool))
        np.testing.assert_allclose(together.outputs[row, :length], alone.outputs[0], atol=1e-5)
        np.testing.assert_array_equal(together.outputs[row, length:], 0.0)
        for mine, theirs in zip(tf.nest.flatten(together.final), tf.nest.flatten(alone.final), strict=True):
            np.testing.assert_allclose(mine[row], theirs[0], atol=1e-5)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"cell": "lstm", "fused": True},
        {"cell": "lstm", "fused": False},
        {"cell": "lstm", "layer_norm": True},
        {"cell": "gru"},
        {"cell": "gru", "layer_norm": True},
        {"cell": "rnn", "residual": False},
    ],
    ids=str,
)
def test_padded_batch_equals_each_sentence_alone(changes: dict, both: bool, rng: np.random.Generator) -> None:
    stack = make_stack(rng, both=both, **changes)
    assert_batch_equals_each_alone(stack, padded(rng, LENGTHS, T)[0], LENGTHS)


@pytest.mark.parametrize("cell", sorted(LAYERS))
def test_ten_sequences_padded_to_twenty_steps_equal_each_alone(cell: str, rng: np.random.Generator) -> None:
    lengths = (20, 5, 8, 10, 15, 18, 17, 6, 6, 18)
    inputs, mask = padded(rng, lengths, 20)
    assert int(tf.reduce_sum(tf.cast(mask, tf.int32))) == 123  # real steps of 200
    stack = make_stack(rng, cell=cell, layers=1, both=False)
    assert_batch_equals_each_alone(stack, inputs, lengths)
    outputs = run(stack, inputs, mask).outputs
    assert int(tf.math.count_nonzero(tf.reduce_any(outputs != 0.0, -1))) == 123


def keras_layer(stack: RecurrentStack, cell: str, direction: int) -> keras.layers.Layer:
    """Returns Keras' own layer with the weights of one direction of the first layer."""
    own = stack.cells[0][direction]
    options = {"reset_after": True} if cell == "gru" else {}
    layer = LAYERS[cell](H, return_sequences=True, return_state=True, go_backwards=direction == 1, **options)
    layer.build((B, None, X))
    layer.set_weights([own.kernel, own.recurrent_kernel, keras_bias(stack, cell, direction)])
    return layer


def keras_bias(stack: RecurrentStack, cell: str, direction: int) -> np.ndarray:
    own = stack.cells[0][direction]
    return np.stack([own.bias, own.recurrent_bias]) if cell == "gru" else np.asarray(own.bias)


@pytest.mark.parametrize("cell", sorted(LAYERS))
def test_padded_batch_equals_masked_keras_layer(cell: str, rng: np.random.Generator) -> None:
    stack = make_stack(rng, layers=1, both=False, cell=cell)
    inputs, mask = padded(rng, LENGTHS, T)
    mine = run(stack, inputs, mask)
    outputs, *final = keras_layer(stack, cell, 0)(inputs, mask=mask)
    np.testing.assert_allclose(mine.outputs[mask], outputs[mask], atol=1e-5)
    for got, expected in zip(mine.final[0], final, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("cell", sorted(LAYERS))
def test_each_direction_equals_keras_on_each_sentence_alone(cell: str, rng: np.random.Generator) -> None:
    stack = make_stack(rng, layers=1, cell=cell)
    inputs, mask = padded(rng, LENGTHS, T)
    mine = run(stack, inputs, mask)
    for direction in (0, 1):
        layer = keras_layer(stack, cell, direction)
        for row, length in enumerate(LENGTHS):
            outputs, *final = layer(inputs[row : row + 1, :length])
            in_time = outputs[0] if direction == 0 else tf.reverse(outputs[0], [0])
            half = mine.outputs[row, :length, direction * H : (direction + 1) * H]
            np.testing.assert_allclose(half, in_time, atol=1e-5)
            for got, expected in zip(mine.final[direction], final, strict=True):
                np.testing.assert_allclose(got[row], expected[0], atol=1e-5)


@pytest.mark.parametrize("cell", sorted(LAYERS))
def test_both_directions_equal_keras_bidirectional_on_each_sentence_alone(cell: str, rng: np.random.Generator) -> None:
    stack = make_stack(rng, layers=1, cell=cell)
    inputs, mask = padded(rng, LENGTHS, T)
    mine = run(stack, inputs, mask)
    options = {"reset_after": True} if cell == "gru" else {}
    layer = keras.layers.Bidirectional(LAYERS[cell](H, return_sequences=True, **options))
    layer.build((1, None, X))
    weights = []
    for direction in (0, 1):
        own = stack.cells[0][direction]
        weights += [own.kernel, own.recurrent_kernel, keras_bias(stack, cell, direction)]
    layer.set_weights(weights)
    for row, length in enumerate(LENGTHS):
        expected = layer(inputs[row : row + 1, :length])[0]
        np.testing.assert_allclose(mine.outputs[row, :length], expected, atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_eager_equals_tf_function(cell: str, rng: np.random.Generator) -> None:
    stack = make_stack(rng, cell=cell, layers=1)
    inputs, mask = padded(rng, LENGTHS, T)
    specs = [tf.TensorSpec([None, None, X], tf.float32), tf.TensorSpec([None, None], tf.bool)]
    traced = tf.function(lambda x, m: run(stack, x, m), input_signature=specs)
    for got, expected in zip(
        tf.nest.flatten(traced(inputs, mask)), tf.nest.flatten(run(stack, inputs, mask)), strict=True
    ):
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("fused", [False, True])
def test_gradient_over_time_equals_numeric_gradient(fused: bool, rng: np.random.Generator) -> None:
    cell = LSTMCell(H, forget_bias=1.0, layer_norm=False, dtype="float32", name="cell")
    cell.build(X, 0)
    oracles.randomise(cell, rng)
    length, upstream = 5, rng.normal(size=[T, H])
    weights = oracles.numpy_weights(cell)
    arrays = {"inputs": rng.normal(size=[T, X]), "h": rng.normal(size=[1, H]), "c": rng.normal(size=[1, H])}

    def loss(inputs: np.ndarray, h: np.ndarray, c: np.ndarray, **w: np.ndarray) -> float:
        total = 0.0
        state: tuple[np.ndarray, ...] = (h, c)
        for t in range(length):
            state = oracles.cell_step("lstm", w, inputs[t : t + 1], np.zeros([1, 0]), state)
            total += float((upstream[t] * state[0]).sum())
        return total

    expected = oracles.numeric_gradients(loss, {**arrays, **weights})
    inputs, h, c = (tf.constant(a, tf.float32) for a in arrays.values())
    with tf.GradientTape() as tape:
        tape.watch([inputs, h, c])
        mask = tf.sequence_mask([length], T)
        outputs, _ = unroll(cell, inputs[tf.newaxis], mask, (h, c), reverse=False, fused=fused)
        total = tf.reduce_sum(outputs[0] * tf.constant(upstream, tf.float32))
    names = [*arrays, *(v.name for v in cell.trainable_variables)]
    gradients = tape.gradient(total, [inputs, h, c, *cell.trainable_variables])
    for name, gradient in zip(names, gradients, strict=True):
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-4, atol=5e-5, err_msg=name)


def test_residual_adds_a_layers_input_from_the_second_layer_on(rng: np.random.Generator) -> None:
    with_residual = make_stack(rng, layers=2, both=False, residual=True)
    without = make_stack(rng, layers=2, both=False, residual=False)
    first = make_stack(rng, layers=1, both=False)
    for theirs, mine in zip(without.variables, with_residual.variables, strict=True):
        theirs.assign(mine)
    for theirs, mine in zip(first.variables, with_residual.cells[0][0].variables, strict=True):
        theirs.assign(mine)
    inputs, mask = padded(rng, LENGTHS, T)
    added = run(with_residual, inputs, mask).outputs - run(without, inputs, mask).outputs
    np.testing.assert_allclose(added, run(first, inputs, mask).outputs, atol=1e-5)


def test_dropout_is_applied_between_layers_only(rng: np.random.Generator) -> None:
    stack = make_stack(rng, layers=2, layer_dropout=0.5, residual=False)
    inputs, mask = padded(rng, LENGTHS, T)
    seed = tf.constant([3, 5])
    got = stack.unroll(inputs, mask, stack.zero_state(B), dropout_seed=seed)
    first = make_stack(rng, layers=1)
    for theirs, mine in zip(first.cells[0], stack.cells[0], strict=True):
        for a, b in zip(theirs.variables, mine.variables, strict=True):
            a.assign(b)
    below = run(first, inputs, mask)
    for final, alone in zip(got.final[:2], below.final, strict=True):
        np.testing.assert_allclose(final[0], alone[0], atol=1e-5)
    dropped = Dropout(0.5, "stack/layer_1")(below.outputs, seed)
    forward, _ = unroll(stack.cells[1][0], dropped, mask, stack.cells[1][0].zero_state(B), reverse=False, fused=True)
    np.testing.assert_allclose(got.outputs[:, :, :H], forward, atol=1e-5)
