"""Recorded states belong to the tokens that a translator reads; its reference copy computes the same as itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.data.batching import make_batch
from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.cell_traces import copy_weights, record_states
from seq2seq_tf.inspection.readings import Reading
from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.structures import BOS_ID, EOS_ID, Batch, DecoderState
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.recording import pair_batch, read_pairs, reference_copy
from seq2seq_tf.tasks.translation.translator import Translator
from tests import oracles

SOURCES = ["ka be du", "", "lo", "gi mo ra ne ba", "be"]
TARGETS = ["du be ka", "lo", "lo", "", "be be"]
KEPT = [0, 2, 4]
B, V = 2, 13


def assert_spans_hold_tokens(reading: Reading, text: str) -> None:
    for token, (start, end) in zip(reading.tokens, reading.spans, strict=True):
        assert text[start:end] == token


def test_source_values_are_the_encoders_outputs(translator: Translator) -> None:
    source, _ = read_pairs(translator, SOURCES, TARGETS)
    text = "".join(SOURCES[n] + "\n" for n in KEPT)
    assert source.files == [*(SOURCES[n] for n in KEPT), ""]
    assert "".join(source.tokens) == text
    assert_spans_hold_tokens(source, text)
    at = 0
    for n in KEPT:
        ids = translator.source.encode([SOURCES[n]])[0]
        batch = make_batch([ids], [[5]])
        outputs = translator.model.encoder.encode(tf.constant(batch.source), dropout_seed=None).values[0]
        columns = [k for k, name in enumerate(source.names) if "/h/" in name]
        np.testing.assert_allclose(source.values[at : at + len(ids) + 1, columns], outputs, atol=1e-5)
        at += len(ids) + 1
    assert at == len(source.values)


def test_target_values_are_the_decoders_states_after_each_piece(translator: Translator) -> None:
    _, target = read_pairs(translator, SOURCES, TARGETS)
    assert "".join(target.tokens) == "".join(TARGETS[n] + "\n" for n in KEPT)
    model, at = translator.model, 0
    assert isinstance(model.decoder, AttentionDecoder)
    weights = model.decoder.weights_for_steps()
    text = "\n".join(target.files)
    for n in KEPT:
        source, pieces = translator.source.encode([SOURCES[n]])[0], translator.target.encode([TARGETS[n]])[0]
        memory, state = model.encode(tf.constant(make_batch([source], [pieces]).source))
        for k, piece in enumerate([BOS_ID, *pieces]):
            _, state = model.decoder.step(weights, tf.constant([piece]), state, memory)
            assert isinstance(state, DecoderState)
            if k:
                expected = np.concatenate([tensor[0] for cell in state.cells for tensor in cell])
                np.testing.assert_allclose(target.values[at], expected, atol=1e-5)
                start, end = target.spans[at]
                assert text[start:end] == target.tokens[at].removesuffix("\n")
                at += 1
    assert at == len(target.values)
    assert {name.rsplit("/", 1)[0] for name in target.names} == {"decoder/layer_0/h", "decoder/layer_0/c"}


def test_pairs_without_text_are_refused(translator: Translator) -> None:
    with pytest.raises(InputError, match="both sides"):
        read_pairs(translator, ["", "ka"], ["be", ""])


def test_texts_longer_than_the_limit_are_truncated_and_named(translator: Translator) -> None:
    most = translator.config.search.max_source_pieces
    with pytest.warns(UserWarning, match="cut from") as caught:
        source, target = read_pairs(translator, ["ka", "be " * most], ["lo " * (most + 7), "lo"])
    assert [str(each.message).split(":")[0] for each in caught] == ["source 2", "target 1"]
    assert len(source.tokens) == len(translator.source.encode(["ka"])[0]) + 1 + most + 1
    assert len(target.tokens) == most + len(translator.target.encode(["lo"])[0])


def translation(rng: np.random.Generator, **changes: Any) -> Translation:
    model = Translation(oracles.small_config(tie="none", **changes), V, V, precision="float32")
    model.build()
    oracles.randomise(model, rng)
    return model


def pairs(rng: np.random.Generator) -> Batch:
    """Returns sentences of 5 and 3 source pieces, and of 3 and 4 target pieces, EOS included."""
    source, target = rng.integers(4, V, [B, 5]).astype(np.int32), rng.integers(4, V, [B, 4]).astype(np.int32)
    source[1, 3:], target[0, 3:] = 0, 0
    return Batch(source, np.where(target, np.roll(target, 1, 1), 0), target)


@pytest.mark.parametrize("changes", [{}, {"cell": "gru", "encoder_layers": 2, "decoder_layers": 2}])
def test_a_reference_copy_with_the_same_weights_has_the_same_loss(
    changes: dict[str, Any], rng: np.random.Generator
) -> None:
    model, batch = translation(rng, **changes), pairs(rng)
    twin = reference_copy(model)
    losses = []
    for _ in range(2):
        losses.append(twin.loss(batch, ()).nll)
        copy_weights(model, twin.model)
    expected = model.batch_loss(batch, (), dropout_seed=None)[0].nll
    assert abs(losses[0] - expected) > 0.1
    np.testing.assert_allclose(losses[1], expected, rtol=1e-5)


def test_both_directions_of_an_encoder_are_recorded_in_reading_order(rng: np.random.Generator) -> None:
    model, batch = reference_copy(translation(rng)), pairs(rng)
    with record_states(model.cells) as traces:
        encoded = model.model.encoder.encode(tf.constant(batch.source), dropout_seed=None)
    forward, backward, decoder = traces
    assert [forward.name, backward.name] == ["encoder/layer_0/forward", "encoder/layer_0/backward"]
    assert (forward.reverse, backward.reverse) == (False, True)
    assert not decoder.states["h"]  # it did not run
    units = forward.states["h"][0].shape[1]
    real = np.asarray(encoded.mask)
    np.testing.assert_allclose(np.stack(forward.states["h"], 1)[real], encoded.values.numpy()[real][:, :units])
    np.testing.assert_allclose(np.stack(backward.states["h"][::-1], 1)[real], encoded.values.numpy()[real][:, units:])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_with_the_same_seed_a_reference_copy_starts_with_the_weights_of_the_model(cell: str) -> None:
    """Hence `gradients` shows as untrained the very weights that a run started with."""
    model = Translation(oracles.small_config(cell=cell), V, V, precision="bfloat16")
    keras.utils.set_random_seed(5)
    model.build()
    keras.utils.set_random_seed(5)
    oracles.assert_same_weights(reference_copy(model).model, model)


def test_a_pair_batch_contains_the_longest_pairs_truncated() -> None:
    pairs = [([5], [6]), ([7] * 9, [8] * 2), ([], [5]), ([9] * 3, [4] * 11)]
    batch = pair_batch(pairs, 2, 5)
    assert batch.source.tolist() == [[7] * 4 + [EOS_ID], [9] * 3 + [EOS_ID, 0]]
    assert batch.target_out.tolist() == [[8, 8, EOS_ID, 0, 0], [4] * 4 + [EOS_ID]]
    with pytest.raises(InputError, match="both sides"):
        pair_batch([([], [5])], 2, 5)


@pytest.mark.parametrize(
    ("changes", "cells"),
    [
        ({"encoder": "transformer", "bridge": "mean"}, ["decoder/layer_0"]),
        ({"decoder": "transformer", "cell": "gru"}, ["encoder/layer_0/forward", "encoder/layer_0/backward"]),
    ],
    ids=str,
)
def test_of_a_network_with_one_transformer_the_cells_of_the_other_side_are_recorded(
    changes: dict[str, Any], cells: list[str]
) -> None:
    sizes = {"encoder_units": 4, "decoder_units": 6, "transformer_heads": 2, "feed_forward_units": 11}
    model = Translation(oracles.small_config(**sizes, **changes), V, V, precision="float32")
    assert [named.name for named in reference_copy(model).cells] == cells


def test_a_network_without_recurrent_cells_is_refused() -> None:
    sizes = {"encoder_units": 4, "decoder_units": 4, "transformer_heads": 2, "feed_forward_units": 11}
    config = oracles.small_config(encoder="transformer", decoder="transformer", **sizes)
    with pytest.raises(InputError, match=r"the model \(transformer\) has no recurrent cells"):
        reference_copy(Translation(config, V, V, precision="float32"))
