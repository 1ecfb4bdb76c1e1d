"""The Transformer decoder: search and training compute the same, whatever the batch or the padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.transformer_decoder import TransformerDecoder
from seq2seq_tf.structures import BOS_ID, EncoderOutput, TeacherForced
from tests import oracles
from tests.transformer_oracles import transformer_stack

B, S, T, V, D, E, UNITS, BEAM = 2, 3, 5, 19, 17, 13, 12, 3
LENGTHS = (3, 2)
CONFIGS = [
    {"positions": "sinusoidal"},
    {"positions": "rotary", "decoder_layers": 2, "decoder_units": UNITS, "output_units": 7},
]

pytestmark = [pytest.mark.usefixtures("seed"), pytest.mark.parametrize("changes", CONFIGS, ids=str)]


def made(rng: np.random.Generator, dtype: str = "float32", **changes: Any) -> TransformerDecoder:
    sizes = {"decoder_units": 14, "output_units": 14, "transformer_heads": 2, "feed_forward_units": 11}
    config = oracles.small_config(**{"embedding_units": E, **sizes, **changes})
    decoder = TransformerDecoder(config, Embedding(V, E, 1.0, name="embedding"), dtype=dtype, name="decoder")
    decoder.build((None, None), (None, None, D))
    oracles.randomise(decoder, rng, scale=0.3)
    return decoder


def draw(rng: np.random.Generator) -> tuple[EncoderOutput, tf.Tensor]:
    values = tf.constant(rng.normal(size=[B, S, D]), tf.float32)  # garbage on padding
    target_in = np.concatenate([np.full([B, 1], BOS_ID), rng.integers(4, V, [B, T - 1])], 1)
    return EncoderOutput(values, tf.sequence_mask(LENGTHS, S), ()), tf.constant(target_in, tf.int32)


def force(decoder: TransformerDecoder, encoded: EncoderOutput, target_in: tf.Tensor) -> TeacherForced:
    memory, state = decoder.prepare(encoded), decoder.initial_state(encoded)
    return decoder.teacher_force(target_in, state, memory, dropout_seed=None)


def step_through(decoder: TransformerDecoder, target_in: tf.Tensor, state: Any, memory: Any) -> tf.Tensor:
    """Returns [N, T, output_units] of `step`, called with one piece after another."""
    weights, hidden = decoder.weights_for_steps(fold=True), []
    for t in range(target_in.shape[1]):
        out, state = decoder.step(weights, target_in[:, t], state, memory)
        hidden.append(out)
    return tf.stack(hidden, 1)


def test_step_by_step_equals_teacher_forcing(changes: dict[str, Any], rng: np.random.Generator) -> None:
    decoder, (encoded, target_in) = made(rng, **changes), draw(rng)
    found = step_through(decoder, target_in, decoder.initial_state(encoded), decoder.prepare(encoded))
    np.testing.assert_allclose(found, force(decoder, encoded, target_in).hidden, atol=1e-5)


def test_a_pair_is_decoded_as_if_alone_and_unpadded(changes: dict[str, Any], rng: np.random.Generator) -> None:
    decoder, (encoded, target_in) = made(rng, **changes), draw(rng)
    together = force(decoder, encoded, target_in)
    for row, length in enumerate(LENGTHS):
        one = EncoderOutput(encoded.values[row : row + 1, :length], tf.ones([1, length], tf.bool), ())
        alone = force(decoder, one, target_in[row : row + 1, :3])  # later pieces have no effect either
        np.testing.assert_allclose(together.hidden[row, :3], alone.hidden[0], atol=1e-5)
        np.testing.assert_allclose(together.weights[row, :3, :length], alone.weights[0], atol=1e-5)
        np.testing.assert_array_equal(together.weights[row, :, length:], 0.0)
    np.testing.assert_allclose(np.sum(together.weights, 2), 1.0, rtol=1e-5)


def test_hypotheses_of_one_sentence_equal_a_tiled_memory(changes: dict[str, Any], rng: np.random.Generator) -> None:
    decoder, (encoded, _) = made(rng, **changes), draw(rng)
    memory, state = decoder.prepare(encoded), decoder.initial_state(encoded)
    state, tiled = (tf.nest.map_structure(lambda x: tf.repeat(x, BEAM, axis=0), x) for x in (state, memory))
    target_in = tf.constant(rng.integers(4, V, size=[B * BEAM, 2]), tf.int32)
    np.testing.assert_allclose(
        step_through(decoder, target_in, state, memory), step_through(decoder, target_in, state, tiled), atol=1e-5
    )


def test_it_equals_numpy_and_its_weights_are_the_mean_over_the_heads_of_the_last_layer(
    changes: dict[str, Any], rng: np.random.Generator
) -> None:
    decoder, (encoded, target_in) = made(rng, **changes), draw(rng)
    found = force(decoder, encoded, target_in)
    stack = {v.path.partition("decoder_stack/")[2]: np.asarray(v, np.float64) for v in decoder.stack.variables}
    for row, length in enumerate(LENGTHS):
        x = np.asarray(decoder.embedding.embed(target_in[row]), np.float64)
        values = np.asarray(encoded.values[row, :length], np.float64)
        hidden, shown = transformer_stack(stack, x, values, 2, changes["positions"] == "rotary")
        if hidden.shape[1] != decoder.config.output_units:
            hidden = hidden @ np.asarray(decoder.output_kernel) + np.asarray(decoder.output_bias)
        np.testing.assert_allclose(found.hidden[row], hidden, atol=1e-4)
        np.testing.assert_allclose(found.weights[row, :, :length], shown.mean(0), atol=1e-4)


def test_bfloat16_is_close_to_float32(changes: dict[str, Any], rng: np.random.Generator) -> None:
    exact, (encoded, target_in) = made(rng, **changes), draw(rng)
    rounded = made(rng, "mixed_bfloat16", **changes)
    for mine, theirs in zip(rounded.variables, exact.variables, strict=True):
        mine.assign(theirs)
    pair = (force(decoder, encoded, target_in).hidden for decoder in (rounded, exact))
    difference = np.abs(np.subtract(*pair))
    assert 0.0 < difference.mean() < 0.02
