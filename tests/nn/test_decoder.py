"""The decoder: search and training run the same recurrence, whatever the batch, the padding or the code path."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.structures import BOS_ID, DecoderState, EncoderOutput, Memory, TeacherForced
from seq2seq_tf.tasks.translation.config import TranslationModelConfig
from tests import oracles

B, S, T, V, D, E = 2, 3, 5, 19, 17, 13
SOURCE_LENGTHS = (3, 2)
CONFIGS = [
    {"cell": "lstm"},
    {"cell": "gru"},
    {"cell": "rnn"},
    {"cell": "lstm", "attention": "none"},
    {"cell": "lstm", "layer_norm": True},
    {"cell": "gru", "layer_norm": True, "decoder_layers": 2},
    {"cell": "lstm", "decoder_layers": 2, "residual": False},
    {"cell": "gru", "decoder_layers": 3},
    {"cell": "rnn", "attention": "none", "decoder_layers": 2},
    {"cell": "lstm", "attention": "general"},
    {"cell": "gru", "attention": "dot", "decoder_units": D},
    {"cell": "lstm", "attention_heads": D, "attention_units": 2 * D},  # D is a prime
]

pytestmark = pytest.mark.usefixtures("seed")


class Given(NamedTuple):
    """A batch as the decoder sees it."""

    encoded: EncoderOutput
    target_in: tf.Tensor  # [B, T]


def make(rng: np.random.Generator, *, dtype: str = "float32", **changes: object) -> AttentionDecoder:
    config = oracles.small_config(embedding_units=E, output_units=E, bridge="mean", **changes)  # see test_bridge.py
    embedding = Embedding(V, E, 1.0, name="embedding")
    embedding.build()
    decoder = AttentionDecoder(config, embedding, dtype=dtype, name="decoder")
    decoder.build((None, None), (None, None, D))
    oracles.randomise(decoder, rng, scale=0.3)
    return decoder


def twin(decoder: AttentionDecoder, *, dtype: str = "float32", **changes: object) -> AttentionDecoder:
    """Returns a decoder with the same weights and another configuration."""
    config = TranslationModelConfig(**{**vars(decoder.config), **changes})
    other = AttentionDecoder(config, decoder.embedding, dtype=dtype, name="decoder")
    other.build((None, None), (None, None, D))
    for theirs, mine in zip(other.variables, decoder.variables, strict=True):
        theirs.assign(mine)
    return other


@pytest.fixture
def given(rng: np.random.Generator) -> Given:
    values = tf.constant(rng.normal(size=[B, S, D]), tf.float32)  # garbage on padding
    target_in = tf.constant(rng.integers(4, V, size=[B, T]), tf.int32)
    first = tf.fill([B, 1], BOS_ID)
    return Given(
        EncoderOutput(values, tf.sequence_mask(SOURCE_LENGTHS, S), ()), tf.concat([first, target_in[:, 1:]], 1)
    )


def force(decoder: AttentionDecoder, given: Given, seed: tf.Tensor | None = None) -> TeacherForced:
    memory, state = decoder.prepare(given.encoded), decoder.initial_state(given.encoded)
    return decoder.teacher_force(given.target_in, state, memory, dropout_seed=seed)


def step_through(decoder: AttentionDecoder, target_in: tf.Tensor, state: DecoderState, memory: Memory) -> tf.Tensor:
    """Returns [N, T, output_units] of `step`, called with one piece after another."""
    weights, hidden = decoder.weights_for_steps(), []
    for t in range(target_in.shape[1]):
        out, state = decoder.step(weights, target_in[:, t], state, memory)
        hidden.append(out)
    return tf.stack(hidden, 1)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_step_by_step_equals_teacher_forcing(changes: dict, given: Given, rng: np.random.Generator) -> None:
    decoder = make(rng, **changes)
    memory, state = decoder.prepare(given.encoded), decoder.initial_state(given.encoded)
    stepped = step_through(decoder, given.target_in, state, memory)
    np.testing.assert_allclose(stepped, force(decoder, given).hidden, atol=1e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_padding_of_the_source_does_not_change_the_output(
    changes: dict, given: Given, rng: np.random.Generator
) -> None:
    decoder = make(rng, **changes)
    garbage = tf.constant(rng.normal(size=[B, 4, D]) * 100.0, tf.float32)
    mask = tf.concat([given.encoded.mask, tf.zeros([B, 4], tf.bool)], 1)
    wider = EncoderOutput(tf.concat([given.encoded.values, garbage], 1), mask, ())
    forced, padded = force(decoder, given), force(decoder, given._replace(encoded=wider))
    np.testing.assert_allclose(padded.hidden, forced.hidden, atol=1e-5)
    if decoder.attention.has_weights:
        np.testing.assert_allclose(padded.weights[:, :, :S], forced.weights, atol=1e-5)
        np.testing.assert_array_equal(padded.weights[:, :, S:], 0.0)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_batch_equals_one_by_one(changes: dict, given: Given, rng: np.random.Generator) -> None:
    decoder = make(rng, **changes)
    together = force(decoder, given)
    for row, length in enumerate(SOURCE_LENGTHS):
        values = given.encoded.values[row : row + 1, :length]
        encoded = EncoderOutput(values, tf.ones([1, length], tf.bool), ())
        alone = force(decoder, Given(encoded, given.target_in[row : row + 1]))
        np.testing.assert_allclose(together.hidden[row], alone.hidden[0], atol=1e-5)
        if decoder.attention.has_weights:
            np.testing.assert_allclose(together.weights[row, :, :length], alone.weights[0], atol=1e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_hypotheses_of_one_sentence_equal_a_tiled_memory(changes: dict, given: Given, rng: np.random.Generator) -> None:
    beam = 3
    decoder = make(rng, **changes)
    memory, state = decoder.prepare(given.encoded), decoder.initial_state(given.encoded)
    state, tiled = (tf.nest.map_structure(lambda x: tf.repeat(x, beam, axis=0), x) for x in (state, memory))
    target_in = tf.constant(rng.integers(4, V, size=[B * beam, 2]), tf.int32)
    np.testing.assert_allclose(
        step_through(decoder, target_in, state, memory), step_through(decoder, target_in, state, tiled), atol=1e-5
    )


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_later_pieces_do_not_change_earlier_outputs(changes: dict, given: Given, rng: np.random.Generator) -> None:
    decoder = make(rng, **changes)
    shorter = force(decoder, given._replace(target_in=given.target_in[:, :3]))
    np.testing.assert_allclose(force(decoder, given).hidden[:, :3], shorter.hidden, atol=1e-5)


def direct_gradients(decoder: AttentionDecoder, given: Given, upstream: list[tf.Tensor]) -> dict[str, tf.Tensor]:
    """Returns name -> gradient for memory, initial state, table and every variable of the recurrence."""
    memory, state = decoder.prepare(given.encoded), decoder.initial_state(given.encoded)
    variables = {v.path: v for v in decoder.trainable_variables if "bridge" not in v.path and "/key" not in v.path}
    inputs = {"keys": memory.keys, "values": memory.values, "context": state.context}
    inputs |= {f"state_{n}": x for n, x in enumerate(state.cells[0])}
    with tf.GradientTape() as tape:
        tape.watch(list(inputs.values()))
        forced = decoder.teacher_force(given.target_in, state, memory, dropout_seed=None)
        loss = tf.reduce_sum(forced.hidden * upstream[0])
    found = tape.gradient(loss, [*inputs.values(), *variables.values()])
    return {name: tf.convert_to_tensor(g) for name, g in zip([*inputs, *variables], found, strict=True)}


def test_fused_values_and_gradients_equal_plain_ones(given: Given, rng: np.random.Generator) -> None:
    fused = make(rng, cell="lstm", fused=True)
    plain = twin(fused, fused=False)
    for got, expected in zip(force(fused, given), force(plain, given), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)
    upstream = [tf.constant(rng.normal(size=[B, T, E]), tf.float32)]
    got, expected = direct_gradients(fused, given, upstream), direct_gradients(plain, given, upstream)
    assert len(got) == len(expected) == 5 + 8  # inputs and variables
    for name, gradient, other in zip(got, got.values(), expected.values(), strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-4, atol=5e-5, err_msg=name)
        assert np.any(other != 0.0), name


def numpy_decoder_loss(given: Given, embedded: np.ndarray, upstream: np.ndarray, w: dict[str, np.ndarray]) -> float:
    """Returns the loss of a one-layer LSTM decoder, with the recurrence and the deep output of each sentence."""
    total = 0.0
    for row, length in enumerate(SOURCE_LENGTHS):
        values = w["values"][row, :length]
        h, c = np.split(np.tanh(values.mean(0) @ w["bridge_kernel"] + w["bridge_bias"])[np.newaxis], 2, 1)
        context = np.zeros(D)
        for t in range(T):
            h, c = oracles.cell_step("lstm", w, embedded[row, t : t + 1], context[np.newaxis], (h, c))
            context, _ = oracles.additive_attention(w, h[0], values)
            seen = np.concatenate([h[0], context, embedded[row, t]])
            total += float(upstream[row, t] @ np.tanh(seen @ w["output_kernel"] + w["output_bias"]))
    return total


@pytest.mark.parametrize("fused", [False, True])
def test_decoder_and_its_gradients_equal_numpy(fused: bool, given: Given, rng: np.random.Generator) -> None:
    decoder = make(rng, cell="lstm", fused=fused)
    upstream = rng.normal(size=[B, T, E])
    weights = {**oracles.numpy_weights(decoder), "values": np.asarray(given.encoded.values, np.float64)}
    embedded = np.asarray(decoder.embedding.embed(given.target_in), np.float64)
    values = given.encoded.values
    with tf.GradientTape() as tape:
        tape.watch(values)
        loss = tf.reduce_sum(force(decoder, given).hidden * tf.constant(upstream, tf.float32))
    np.testing.assert_allclose(loss, numpy_decoder_loss(given, embedded, upstream, weights), rtol=1e-5)
    gradients = tape.gradient(loss, [values, *decoder.trainable_variables])
    names = ["values", *(v.name for v in decoder.trainable_variables)]
    for name, gradient in zip(names, gradients, strict=True):
        gradient = tf.convert_to_tensor(gradient).numpy()
        if name == "table":
            continue  # the oracle takes embedded pieces; TensorFlow does the lookup
        for flat in rng.choice(gradient.size, size=min(7, gradient.size), replace=False):
            place = np.unravel_index(flat, gradient.shape)

            def loss_at(x: np.ndarray, name: str = name, place: tuple = place) -> float:
                changed = weights[name].copy()
                changed[place] = x[0]
                return numpy_decoder_loss(given, embedded, upstream, {**weights, name: changed})

            expected = oracles.numeric_gradient(loss_at, weights[name][place][np.newaxis])[0]
            np.testing.assert_allclose(gradient[place], expected, rtol=1e-4, atol=5e-5, err_msg=name)


@pytest.mark.parametrize("changes", [c for c in CONFIGS if "attention" in str(c)], ids=str)
def test_a_kind_that_the_fused_loop_does_not_support_trains_as_it_scores(
    changes: dict, given: Given, rng: np.random.Generator
) -> None:
    fused = make(rng, **changes, fused=True)
    plain = twin(fused, fused=False)
    for got, expected in zip(force(fused, given), force(plain, given), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("changes", [{"cell": "lstm"}, {"cell": "gru", "decoder_layers": 2}], ids=str)
def test_eager_equals_tf_function(changes: dict, given: Given, rng: np.random.Generator) -> None:
    decoder = make(rng, **changes)
    specs = [
        tf.TensorSpec([None, None, D], tf.float32),
        tf.TensorSpec([None, None], tf.bool),
        tf.TensorSpec([None, None], tf.int32),
    ]
    traced = tf.function(lambda v, m, t: force(decoder, Given(EncoderOutput(v, m, ()), t)), input_signature=specs)
    got = traced(given.encoded.values, given.encoded.mask, given.target_in)
    for mine, expected in zip(got, force(decoder, given), strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-5)


@pytest.mark.parametrize("fused", [False, True])
def test_bfloat16_is_close_to_float32(fused: bool, given: Given, rng: np.random.Generator) -> None:
    """Rounding changes a product below about 2 by up to 2^-9 = 0.002, and five products lead to an output."""
    exact = make(rng, cell="lstm", fused=fused)
    rounded = twin(exact, dtype="mixed_bfloat16")
    difference = np.abs(force(rounded, given).hidden - force(exact, given).hidden)
    assert 0.0 < difference.max() < 0.02
    assert difference.mean() < 0.004


def test_dropout_between_layers_is_one_mask_for_all_steps(given: Given, rng: np.random.Generator) -> None:
    decoder = make(rng, cell="gru", decoder_layers=2, layer_dropout=0.5)
    seeds = [tf.constant([3, 5]), tf.constant([3, 5]), tf.constant([3, 6])]
    same, again, other = (force(decoder, given, seed).hidden for seed in seeds)
    np.testing.assert_array_equal(same, again)
    assert np.any(same != other)
    assert np.any(same != force(decoder, given).hidden)


def test_without_attention_there_are_no_weights_and_no_attention_variables(
    given: Given, rng: np.random.Generator
) -> None:
    decoder = make(rng, cell="gru", attention="none")
    assert force(decoder, given).weights.shape == [B, T, 0]
    assert not [v.path for v in decoder.variables if "attention" in v.path]
