"""What is recorded of a model is what it computes; a reference copy computes the same; nothing stays behind."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.inspection.cell_traces import (
    Recordable,
    cells_of,
    copy_weights,
    record_states,
    reference_copy,
)
from seq2seq_tf.structures import Batch
from seq2seq_tf.tasks.language_model.model import LanguageModel
from seq2seq_tf.tasks.translation.model import Translation
from tests import oracles
from tests.language_models import model_config

B, T, V = 2, 5, 13

pytestmark = pytest.mark.usefixtures("seed")


def language_model(rng: np.random.Generator, **changes: Any) -> LanguageModel:
    model = LanguageModel(model_config(**changes), V, precision="float32")
    model.build()
    oracles.randomise(model, rng)
    return model


def translation(rng: np.random.Generator, **changes: Any) -> Translation:
    model = Translation(oracles.small_config(tie="none", **changes), V, V, precision="float32")
    model.build()
    oracles.randomise(model, rng)
    return model


def pairs(rng: np.random.Generator) -> Batch:
    """Sentences of 5 and 3 source pieces, of 3 and 4 target pieces, ends included."""
    source, target = rng.integers(4, V, [B, 5]).astype(np.int32), rng.integers(4, V, [B, 4]).astype(np.int32)
    source[1, 3:], target[0, 3:] = 0, 0
    return Batch(source, np.where(target, np.roll(target, 1, 1), 0), target)


@pytest.mark.parametrize("changes", [{"cell": "lstm"}, {"cell": "gru", "layers": 2}, {"cell": "rnn", "layers": 3}])
def test_a_language_models_states_are_heard(changes: dict[str, Any], rng: np.random.Generator) -> None:
    model = language_model(rng, **changes)
    twin = reference_copy(model)
    copy_weights(model, twin)
    ids = rng.integers(4, V, [B, T]).astype(np.int32)
    expected, _ = model.states(tf.constant(ids), model.initial_carry(tf.constant(B)))
    with record_states(cells_of(twin), gates=True) as traces:
        twin.read(tf.constant(ids), twin.initial_carry(tf.constant(B)), dropout_seed=None)
    assert [each.name for each in traces] == [f"layer_{n}" for n in range(len(expected))]
    for each, layer in zip(traces, expected, strict=True):
        for steps, states in zip(each.states.values(), layer.states, strict=True):
            np.testing.assert_allclose(np.stack(steps, 1), states, atol=1e-5)
        for n, steps in enumerate(each.gates.values()):
            np.testing.assert_allclose(np.stack(steps, 1), layer.gates[:, :, n], atol=1e-5)


@pytest.mark.parametrize("changes", [{}, {"cell": "gru", "encoder_layers": 2, "decoder_layers": 2}])
def test_a_plain_twin_with_the_same_weights_has_the_same_loss(
    changes: dict[str, Any], rng: np.random.Generator
) -> None:
    model, batch = translation(rng, **changes), pairs(rng)
    twin = reference_copy(model)
    losses = []
    for _ in range(2):
        losses.append(twin.batch_loss(batch, (), smoothing=0.0, dropout_seed=None)[0].nll)
        copy_weights(model, twin)
    expected = model.batch_loss(batch, (), smoothing=0.0, dropout_seed=None)[0].nll
    assert abs(losses[0] - expected) > 0.1
    np.testing.assert_allclose(losses[1], expected, rtol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_with_the_same_seed_a_plain_twin_begins_with_the_weights_of_the_model(cell: str) -> None:
    """So `gradients` shows as untrained the very weights that a run began with."""
    models: list[Recordable] = [
        LanguageModel(model_config(cell=cell, layers=2), V, precision="bfloat16"),
        Translation(oracles.small_config(cell=cell), V, V, precision="bfloat16"),
    ]
    for model in models:
        keras.utils.set_random_seed(5)
        model.build()
        keras.utils.set_random_seed(5)
        twin = reference_copy(model)
        assert [v.path for v in twin.trainable_variables] == [v.path for v in model.trainable_variables]
        for mine, theirs in zip(twin.trainable_variables, model.trainable_variables, strict=True):
            np.testing.assert_array_equal(mine, theirs, err_msg=theirs.path)


def test_both_directions_of_an_encoder_are_heard_in_the_order_they_read(rng: np.random.Generator) -> None:
    model, batch = reference_copy(translation(rng)), pairs(rng)
    with record_states(cells_of(model)) as traces:
        encoded = model.encoder.encode(tf.constant(batch.source), dropout_seed=None)
    forward, backward, decoder = traces
    assert [forward.name, backward.name] == ["encoder/layer_0/forward", "encoder/layer_0/backward"]
    assert (forward.reverse, backward.reverse) == (False, True)
    assert not decoder.states["h"]  # it did not run
    units = forward.states["h"][0].shape[1]
    real = np.asarray(encoded.mask)
    np.testing.assert_allclose(np.stack(forward.states["h"], 1)[real], encoded.values.numpy()[real][:, :units])
    np.testing.assert_allclose(np.stack(backward.states["h"][::-1], 1)[real], encoded.values.numpy()[real][:, units:])


def test_after_listening_the_cells_are_as_they_were(rng: np.random.Generator) -> None:
    model = language_model(rng)
    with pytest.raises(RuntimeError, match="on the way"), record_states(cells_of(model)):
        raise RuntimeError("on the way")
    for named in cells_of(model):
        assert "step" not in vars(named.cell)
