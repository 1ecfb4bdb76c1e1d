"""Scaled dot-product attention: that of Keras and of NumPy; padding and other rows have no effect."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.scaled_attention import ScaledDotProductAttention, causal_mask
from tests import oracles
from tests.transformer_oracles import scaled_attention

B, T, S, Q, V, HEADS, SIZE, K = 3, 5, 7, 11, 13, 2, 4, 17
UNITS = HEADS * SIZE
LENGTHS = (7, 2, 3)

pytestmark = pytest.mark.usefixtures("seed")


def made(rng: np.random.Generator, value_units: int = V, *, rotary: bool = False) -> ScaledDotProductAttention:
    layer = ScaledDotProductAttention(UNITS, HEADS, rotary=rotary, dtype="float32")
    layer.build((None, None, Q), (None, None, value_units))
    oracles.randomise(layer, rng)
    return layer


def normal(rng: np.random.Generator, *shape: int) -> tf.Tensor:
    return tf.constant(rng.normal(size=shape), tf.float32)


@pytest.mark.parametrize("causal", [False, True])
def test_it_equals_multi_head_attention_of_keras(causal: bool, rng: np.random.Generator) -> None:
    values = normal(rng, B, S, V)
    query, mask = normal(rng, B, S if causal else T, Q), tf.sequence_mask(LENGTHS, S)
    layer, theirs = made(rng), keras.layers.MultiHeadAttention(HEADS, SIZE)
    theirs.build(query.shape, values.shape)
    w = oracles.numpy_weights(layer)
    key_bias = rng.normal(size=[HEADS, SIZE])  # has no effect
    parts = [np.reshape(w[f"{part}_kernel"], [-1, HEADS, SIZE]) for part in ("query", "key", "value")]
    biases = [np.reshape(w["query_bias"], [HEADS, SIZE]), key_bias, np.reshape(w["value_bias"], [HEADS, SIZE])]
    output = [np.reshape(w["output_kernel"], [HEADS, SIZE, Q]), w["output_bias"]]
    theirs.set_weights([*(x for pair in zip(parts, biases, strict=True) for x in pair), *output])
    options = {"value_mask": mask, "return_attention_scores": True, "use_causal_mask": causal}
    for found, expected in zip(layer(query, values, **options), theirs(query, values, **options), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("rotary", [False, True])
def test_outputs_and_gradients_equal_numpy(rotary: bool, rng: np.random.Generator) -> None:
    layer = made(rng, Q, rotary=rotary)
    x, upstream = normal(rng, 1, T, Q), rng.normal(size=[T, Q])
    w = {**oracles.numpy_weights(layer), "x": np.asarray(x[0], np.float64)}

    def loss_at(**w: np.ndarray) -> float:
        return float(np.sum(upstream * scaled_attention(w, w["x"], w["x"], HEADS, rotary=rotary)[0]))

    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs, scores = layer(x, x, return_attention_scores=True)
        loss = tf.reduce_sum(outputs[0] * tf.constant(upstream, tf.float32))
    expected = scaled_attention(w, w["x"], w["x"], HEADS, rotary=rotary)
    np.testing.assert_allclose(outputs[0], expected[0], atol=1e-4)
    np.testing.assert_allclose(scores[0], expected[1], atol=1e-5)
    numeric = oracles.numeric_gradients(loss_at, w)
    found = tape.gradient(loss, [*layer.trainable_variables, x])
    for name, gradient in zip((*(v.name for v in layer.trainable_variables), "x"), found, strict=True):
        got = gradient[0] if name == "x" else gradient
        np.testing.assert_allclose(got, numeric[name], rtol=1e-3, atol=1e-3, err_msg=name)


def test_rows_of_one_sentence_share_its_memory_and_read_no_padding(rng: np.random.Generator) -> None:
    layer, values = made(rng), normal(rng, B, S, V)
    queries, mask = normal(rng, B * K, T, Q), tf.sequence_mask(LENGTHS, S)
    weights = layer.weights_for_steps()
    memory = layer.keys_and_values(weights, values)
    together, scores = layer.attend(weights, queries, memory, mask[:, tf.newaxis, tf.newaxis])
    assert scores.shape == (B, HEADS, K * T, S)
    for row in range(B * K):
        length = LENGTHS[row // K]
        alone = layer(queries[row : row + 1], values[row // K, tf.newaxis, :length])
        np.testing.assert_allclose(together[row], alone[0], atol=1e-5)
    np.testing.assert_array_equal(tf.transpose(scores, [0, 3, 1, 2])[~mask], 0.0)


def test_a_causal_mask_counts_from_the_position_of_the_first_query() -> None:
    assert causal_mask(2, 3, 5).numpy().astype(int).tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]


def test_heads_must_divide_the_units() -> None:
    with pytest.raises(ValueError, match="3 heads must divide 8 units"):
        ScaledDotProductAttention(8, 3)
