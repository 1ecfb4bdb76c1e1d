"""The public layers as used in Keras: called, masked, saved, loaded, under dtype policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import seq2seq_tf
from seq2seq_tf import layers
from seq2seq_tf.nn.decoder import AttentionDecoder
from tests import oracles

B, S, T, V, E, H, A = 3, 5, 4, 17, 5, 3, 7
LENGTHS = (5, 2, 3)
RATES: dict[str, Any] = dict.fromkeys(("word_dropout", "embedding_dropout", "layer_dropout", "output_dropout"), 0.0)
SIZES = {"embedding_units": E, "decoder_units": 2 * H, "attention_units": A, "output_units": E, **RATES}

pytestmark = pytest.mark.usefixtures("seed")


def encoder(**changes: Any) -> layers.Encoder:
    options = {"encoder_units": H, "encoder_dropout": 0.0, "embedding_units": E, **RATES, **changes}
    return layers.Encoder(layers.EncoderConfig(**options), layers.Embedding(V, E, 0.5))


def decoder(embedding: layers.Embedding | None = None, **changes: Any) -> layers.AttentionDecoder:
    table = layers.Embedding(V, E, 0.5) if embedding is None else embedding
    return layers.AttentionDecoder(layers.DecoderConfig(**{**SIZES, **changes}), table)


def translator(one: layers.Encoder, other: layers.AttentionDecoder) -> keras.Model:
    source, target_in = (keras.Input([None], dtype="int32", name=name) for name in ("source", "target_in"))
    hidden = other(target_in, one(source))
    return keras.Model([source, target_in], keras.layers.Dense(V, dtype="float32")(hidden))


def draw(rng: np.random.Generator) -> list[np.ndarray]:
    """Returns source [B, S] and target_in [B, T], padded."""
    source, target = rng.integers(4, V, [B, S]), rng.integers(4, V, [B, T])
    real = np.arange(S) < np.array(LENGTHS)[:, np.newaxis]
    target[:, 0] = layers.BOS_ID
    target[1, 2:] = 0
    return [np.where(real, source, 0).astype(np.int32), target.astype(np.int32)]


def saved_and_loaded(model: keras.Model, folder: Path) -> keras.Model:
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


def test_the_module_exports_the_layers_of_the_package() -> None:
    assert seq2seq_tf.layers is layers
    assert layers.AttentionDecoder is AttentionDecoder
    assert all(hasattr(layers, name) for name in layers.__all__)


@pytest.mark.parametrize(
    "changes",
    [
        ({}, {}),
        ({"cell": "gru", "encoder_layers": 2}, {"cell": "gru", "decoder_layers": 2, "bridge": "mean"}),
    ],
    ids=str,
)
def test_called_saved_and_loaded_layers_compute_what_the_explicit_methods_do(
    changes: tuple[dict[str, Any], dict[str, Any]], rng: np.random.Generator, tmp_path: Path
) -> None:
    one, other = encoder(**changes[0]), decoder(**changes[1])
    model, (source, target_in) = translator(one, other), draw(rng)
    oracles.randomise(model, rng)
    encoded = one.encode(tf.constant(source), dropout_seed=None)
    memory, state = other.prepare(encoded), other.initial_state(encoded)
    forced = other.teacher_force(tf.constant(target_in), state, memory, dropout_seed=None)
    hidden, scores = other(target_in, one(source), return_attention_scores=True)
    np.testing.assert_array_equal(hidden, forced.hidden)
    np.testing.assert_array_equal(scores, forced.weights)
    expected = model([source, target_in])
    np.testing.assert_allclose(model.layers[-1](forced.hidden), expected, atol=1e-6)
    loaded = saved_and_loaded(model, tmp_path)
    assert [v.name for v in loaded.variables] == [v.name for v in model.variables]
    np.testing.assert_array_equal(loaded([source, target_in]), expected)


@pytest.mark.parametrize("positions", ["rotary", "sinusoidal"])
def test_transformers_are_saved_loaded_and_combined_like_recurrent_layers(
    positions: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    shared = {"embedding_units": E, "transformer_heads": 2, "feed_forward_units": 11, "positions": positions, **RATES}
    read = layers.TransformerEncoderConfig(**shared, encoder_units=4, encoder_dropout=0.0)
    written = layers.TransformerDecoderConfig(**shared, decoder_units=8, output_units=E)
    one = layers.TransformerEncoder(read, layers.Embedding(V, E, 0.5))
    other = layers.TransformerDecoder(written, layers.Embedding(V, E, 0.5))
    source, target_in = (keras.Input([None], dtype="int32", name=name) for name in ("source", "target_in"))
    model = keras.Model([source, target_in], keras.layers.Dense(V, dtype="float32")(other(target_in, one(source))))
    given = draw(rng)
    oracles.randomise(model, rng)
    encoded = one.encode(tf.constant(given[0]), dropout_seed=None)
    memory, state = other.prepare(encoded), other.initial_state(encoded)
    forced = other.teacher_force(tf.constant(given[1]), state, memory, dropout_seed=None)
    hidden, scores = other(given[1], one(given[0]), return_attention_scores=True)
    np.testing.assert_array_equal(hidden, forced.hidden)
    np.testing.assert_array_equal(scores, forced.weights)
    expected = model(given)
    np.testing.assert_allclose(model.layers[-1](forced.hidden), expected, atol=1e-6)
    loaded = saved_and_loaded(model, tmp_path)
    assert [v.name for v in loaded.variables] == [v.name for v in model.variables]
    np.testing.assert_array_equal(loaded(given), expected)


def test_a_shared_table_is_saved_once_and_stays_shared(rng: np.random.Generator, tmp_path: Path) -> None:
    one = encoder()
    model = translator(one, decoder(one.embedding))
    loaded = saved_and_loaded(model, tmp_path)
    kinds = [[layer for layer in m.layers if hasattr(layer, "embedding")] for m in (model, loaded)]
    assert kinds[1][0].embedding is kinds[1][1].embedding
    assert len(loaded.variables) == len(model.variables)
    inputs = draw(rng)
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


def test_padding_and_its_labels_do_not_change_the_loss_in_keras(rng: np.random.Generator) -> None:
    model, (source, target_in) = translator(encoder(), decoder()), draw(rng)
    labels = rng.integers(4, V, [B, T])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=loss)
    more = [np.pad(x, [[0, 0], [0, 3]]) for x in (source, target_in, np.where(target_in, labels, 5))]
    found = model.test_on_batch([source, target_in], labels)
    assert model.test_on_batch(more[:2], more[2]) == pytest.approx(found, rel=1e-5)


def test_dropout_is_active_in_training_and_repeats_with_the_seed_of_keras(rng: np.random.Generator) -> None:
    model, inputs = translator(encoder(embedding_dropout=0.5), decoder(output_dropout=0.5)), draw(rng)
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        drawn += [model(inputs, training=True), model(inputs, training=True)]
    np.testing.assert_array_equal(drawn[0], drawn[2])
    np.testing.assert_array_equal(drawn[1], drawn[3])
    assert np.any(drawn[0] != drawn[1])
    np.testing.assert_array_equal(model(inputs), model(inputs))


def test_a_mixed_policy_rounds_products_only(rng: np.random.Generator, tmp_path: Path) -> None:
    inputs, found = draw(rng), []
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            model = translator(encoder(), decoder(bridge="mean"))
        finally:
            keras.config.set_dtype_policy("float32")
        oracles.randomise(model, np.random.default_rng(7))
        assert {v.dtype for v in model.variables} == {"float32"}
        kept = keras.Model(model.inputs, model.layers[-2].output)
        found.append(kept(inputs))
        assert kept(inputs).dtype == tf.float32
    np.testing.assert_allclose(found[0], found[1], atol=0.1)
    assert np.any(found[0] != found[1])
    loaded = saved_and_loaded(model, tmp_path)
    policies = [{layer.name: layer.dtype_policy.name for layer in m.layers if layer.weights} for m in (model, loaded)]
    assert policies[0] == policies[1]
    assert set(policies[1].values()) == {"mixed_bfloat16", "float32"}
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@pytest.mark.parametrize("policy", ["bfloat16", "float64"])
def test_a_policy_without_float32_variables_is_refused(policy: str) -> None:
    with pytest.raises(ValueError, match=f"embedding.*expected the dtype policy float32.*got {policy}"):
        layers.Embedding(V, E, 0.5, dtype=policy, name="embedding")


@pytest.mark.parametrize(("cell", "both"), [("lstm", True), ("gru", False)])
def test_a_stack_respects_the_mask_of_keras_and_continues_from_a_state(
    cell: str, both: bool, rng: np.random.Generator, tmp_path: Path
) -> None:
    config = layers.NetworkConfig(cell=cell, **RATES)
    stack = layers.RecurrentStack(config, units=H, layers=2, bidirectional=both, return_state=True)
    ids = keras.Input([None], dtype="int32")
    model = keras.Model(ids, stack(keras.layers.Embedding(V, E, mask_zero=True)(ids)))
    left = np.flip(draw(rng)[0], 1)  # padded on the left, which cuDNN does not support
    outputs, *states = model(left)
    assert np.all(outputs.numpy()[left == 0] == 0.0)
    for row, length in enumerate(LENGTHS):
        alone = model(left[row : row + 1, S - length :])
        np.testing.assert_allclose(outputs[row, S - length :], alone[0][0], atol=1e-6)
        for state, expected in zip(states, alone[1:], strict=True):
            np.testing.assert_allclose(state[row], expected[0], atol=1e-6)
    for found, expected in zip(saved_and_loaded(model, tmp_path)(left), (outputs, *states), strict=True):
        np.testing.assert_array_equal(found, expected)
    if not both:
        x = tf.constant(rng.normal(size=[B, T, E]), tf.float32)
        whole, *last = stack(x)
        first, *between = stack(x[:, :1])
        rest, *end = stack(x[:, 1:], initial_state=between)
        np.testing.assert_allclose(tf.concat([first, rest], 1), whole, atol=1e-6)
        np.testing.assert_allclose(end[0], last[0], atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        layers.BahdanauAttention(A),
        layers.MultiHeadAttention(2 * E, E),
        layers.GeneralAttention(),
        layers.DotAttention(),
        layers.ScaledDotProductAttention(3 * E, 3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_an_attention_layer_reads_real_values_only(layer: Any, rng: np.random.Generator, tmp_path: Path) -> None:
    query = keras.Input([None, E])
    ids = keras.Input([None], dtype="int32")
    values = keras.layers.Embedding(V, E, mask_zero=True)(ids)
    model = keras.Model([query, ids], layer(query, values, return_attention_scores=True))
    given = [rng.normal(size=[B, T, E]).astype(np.float32), draw(rng)[0]]
    contexts, weights = model(given)
    weights = tf.reduce_mean(weights, 1) if len(weights.shape) == 4 else weights  # that of all heads
    assert (contexts.shape, weights.shape) == ((B, T, E), (B, T, S))
    np.testing.assert_allclose(np.sum(weights, 2), 1.0, rtol=1e-5)
    assert np.all(np.swapaxes(weights, 1, 2)[given[1] == 0] == 0.0)
    table = next(layer for layer in model.layers if isinstance(layer, keras.layers.Embedding))
    one = layer(given[0][:, 1:2], tf.convert_to_tensor(table(given[1])), value_mask=tf.constant(given[1] > 0))
    np.testing.assert_allclose(one[:, 0], contexts[:, 1], atol=1e-5)
    for found, expected in zip(saved_and_loaded(model, tmp_path)(given), model(given), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_decoder_reads_the_values_of_any_encoder(rng: np.random.Generator, tmp_path: Path) -> None:
    pixels, target_in = keras.Input([None, 2]), keras.Input([None], dtype="int32")
    values = keras.layers.Conv1D(H, 3, padding="same")(pixels)
    model = keras.Model([pixels, target_in], decoder(bridge="mean")(target_in, values))
    given = [rng.normal(size=[B, S, 2]).astype(np.float32), draw(rng)[1]]
    assert model(given).shape == (B, T, E)
    np.testing.assert_array_equal(saved_and_loaded(model, tmp_path)(given), model(given))
    with pytest.raises(ValueError, match="bridge=final needs an encoder with a final state"):
        decoder(bridge="final")(given[1], tf.constant(given[0]))
