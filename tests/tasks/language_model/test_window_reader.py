"""A window sees the last tau tokens and nothing else; its gradient is the numeric one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.structures import PAD_ID
from seq2seq_tf.tasks.language_model.model import LanguageModel
from tests import oracles
from tests.language_models import model_config

B, T, V, TAU = 2, 7, 11, 3

pytestmark = pytest.mark.usefixtures("seed")


def make(rng: np.random.Generator, **changes: Any) -> LanguageModel:
    config = model_config(**{"cell": "window", "window": TAU, "layers": 2, **changes})
    model = LanguageModel(config, V, precision="float32")
    model.build()
    oracles.randomise(model, rng)
    return model


def draw(rng: np.random.Generator, width: int) -> np.ndarray:
    return rng.integers(4, V, [B, width]).astype(np.int32)


def logits(model: LanguageModel, ids: np.ndarray) -> np.ndarray:
    return model.logits(tf.constant(ids), model.initial_carry(len(ids)))[0].numpy()


def test_an_output_depends_on_each_of_the_last_tau_tokens_and_on_no_other(rng: np.random.Generator) -> None:
    model, ids = make(rng), draw(rng, T)
    before = logits(model, ids)[:, -1]
    for place in range(T):
        changed = ids.copy()
        changed[:, place] = 4 + (ids[:, place] - 3) % (V - 4)
        same = np.allclose(logits(model, changed)[:, -1], before, atol=1e-6)
        assert same == (place < T - TAU), place


def test_with_one_token_it_is_a_markov_model(rng: np.random.Generator) -> None:
    """The distribution after a token is the same wherever it occurs: a row of one table of transitions."""
    model, ids = make(rng, window=1), draw(rng, 30)
    table = logits(model, np.arange(V, dtype=np.int32)[:, np.newaxis])[:, 0]  # [V, V]
    np.testing.assert_allclose(logits(model, ids), table[ids], atol=1e-5)


def test_the_carry_is_the_last_tokens_and_empty_at_the_beginning(rng: np.random.Generator) -> None:
    model, ids = make(rng), draw(rng, T)
    start = model.initial_carry(B)
    np.testing.assert_array_equal(start, np.full([B, TAU], PAD_ID))
    np.testing.assert_array_equal(model.read(ids, start, dropout_seed=None)[1], ids[:, -TAU:])
    short = np.concatenate([np.full([B, TAU - 2], PAD_ID), ids[:, :2]], 1)
    np.testing.assert_array_equal(model.read(ids[:, :2], start, dropout_seed=None)[1], short)
    assert model.reader.reach == TAU
    assert model.cells == ()


def test_hidden_units_are_those_of_each_layer(rng: np.random.Generator) -> None:
    model, ids = make(rng), draw(rng, T)
    layers, final = model.states(ids, model.initial_carry(B))
    outputs, carry = model.reader.read(tf.constant(ids), model.initial_carry(B), dropout_seed=None)
    np.testing.assert_allclose(layers[0].states[0] + layers[1].states[0], outputs, atol=1e-6)  # residual
    np.testing.assert_array_equal(final, carry)
    assert [tuple(layer.gates.shape) for layer in layers] == [(B, T, 0, 7)] * 2
    assert len(model.unit_names) == sum(layer.states[0].shape[2] for layer in layers)
    assert (model.unit_names[0], model.unit_names[-1]) == ("layer_0/h/0", "layer_1/h/6")


@pytest.mark.parametrize("name", ["embedding/table", "stack/kernel_0", "stack/bias_1"])
def test_gradients_are_the_numeric_ones(rng: np.random.Generator, name: str) -> None:
    model, ids = make(rng), draw(rng, 5)
    (variable,) = (v.value for v in model.trainable_variables if v.path.endswith(name))
    with tf.GradientTape() as tape:
        loss = model.batch_loss(ids, model.initial_carry(B), dropout_seed=None)[0].total
    found = tf.convert_to_tensor(tape.gradient(loss, variable)).numpy()
    kept = variable.numpy()
    for place in [tuple(rng.integers(size) for size in kept.shape) for _ in range(5)]:
        values = []
        for step in (1e-2, -1e-2):
            moved = kept.copy()
            moved[place] += step
            variable.assign(moved)
            values.append(float(model.batch_loss(ids, model.initial_carry(B), dropout_seed=None)[0].total))
        variable.assign(kept)
        assert found[place] == pytest.approx((values[0] - values[1]) / 2e-2, abs=2e-3)
