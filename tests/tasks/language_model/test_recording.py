"""The states shown are those of the text that the language model read; excerpts come from the right places."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.cell_traces import copy_weights, record_states
from seq2seq_tf.inspection.readings import Reading
from seq2seq_tf.tasks.language_model.model import LanguageModel
from seq2seq_tf.tasks.language_model.recording import StreamBatch, read_files, reference_copy, stream_batch
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from tests import language_models, oracles
from tests.language_models import model_config

TEXTS = ["ma mo\nloé\n\nüt gin", "k k\nma", "mo mo\nmo gin k\nma"]
B, T, V = 2, 5, 13


@pytest.fixture(scope="module")
def generators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TextGenerator]:
    folder = tmp_path_factory.mktemp("generators")
    data = language_models.write_folder(folder / "text")
    for name, changes in (
        ("characters", {}),
        ("pieces", {"data__tokenizer": "sentencepiece", "data__vocab_size": 280}),
    ):
        settings = language_models.config(data, train__max_epochs=1, model__layers=2, **changes)
        language_models.train(folder / name, settings)
    return {name: TextGenerator.load(str(folder / name)) for name in ("characters", "pieces")}


def assert_spans_hold_tokens(reading: Reading, text: str) -> None:
    for token, (start, end) in zip(reading.tokens, reading.spans, strict=True):
        assert text[start:end] == token


@pytest.mark.parametrize("tokens", ["characters", "pieces"])
def test_each_file_is_read_from_its_own_beginning(tokens: str, generators: dict[str, TextGenerator]) -> None:
    generator = generators[tokens]
    reading = read_files(generator, TEXTS, 10_000)
    assert reading.files == TEXTS
    assert "".join(reading.tokens) == "\n".join(TEXTS)
    assert_spans_hold_tokens(reading, "\n".join(TEXTS))
    expected = [generator.activations(text + end) for text, end in zip(TEXTS, ("\n", "\n", ""), strict=True)]
    assert reading.names == expected[0].names
    np.testing.assert_allclose(reading.values, np.concatenate([each.values for each in expected]), atol=1e-5)


@pytest.mark.parametrize("tokens", ["characters", "pieces"])
@pytest.mark.parametrize(("characters", "read"), [(10, 10), (12, 11), (17, 17), (19, 19), (26, 26), (100, 42)])
def test_a_text_is_cut_at_the_end_of_a_line_if_it_has_one(
    characters: int, read: int, tokens: str, generators: dict[str, TextGenerator]
) -> None:
    """The first text has lines of 6, 4, 1 and 6 characters, LF counted; its separator makes it 18."""
    reading = read_files(generators[tokens], TEXTS, characters)
    assert "".join(reading.tokens) == "\n".join(TEXTS)[:read]
    assert "\n".join(reading.files).startswith("\n".join(TEXTS)[:read])  # properties are of whole files
    assert len(reading.values) == len(reading.tokens)


def test_a_line_longer_than_the_limit_is_cut_within_the_line(generators: dict[str, TextGenerator]) -> None:
    assert "".join(read_files(generators["characters"], ["ma" * 50], 7).tokens) == "mamamam"


@pytest.mark.parametrize("texts", [[], [""]])
def test_an_empty_text_is_refused(texts: list[str], generators: dict[str, TextGenerator]) -> None:
    with pytest.raises(InputError, match="empty"):
        read_files(generators["characters"], texts, 100)


def language_model(rng: np.random.Generator, **changes: Any) -> LanguageModel:
    model = LanguageModel(model_config(**changes), V, precision="float32")
    model.build()
    oracles.randomise(model, rng)
    return model


@pytest.mark.parametrize("changes", [{"cell": "lstm"}, {"cell": "gru", "layers": 2}, {"cell": "rnn", "layers": 3}])
def test_the_states_of_a_language_model_are_recorded(changes: dict[str, Any], rng: np.random.Generator) -> None:
    model = language_model(rng, **changes)
    twin = reference_copy(model)
    copy_weights(model, twin.model)
    ids = rng.integers(4, V, [B, T]).astype(np.int32)
    expected, _ = model.states(tf.constant(ids), model.initial_carry(tf.constant(B)))
    with record_states(twin.cells, gates=True) as traces:
        twin.model.read(tf.constant(ids), twin.model.initial_carry(tf.constant(B)), dropout_seed=None)
    assert [each.name for each in traces] == [f"layer_{n}" for n in range(len(expected))]
    for each, layer in zip(traces, expected, strict=True):
        for steps, states in zip(each.states.values(), layer.states, strict=True):
            np.testing.assert_allclose(np.stack(steps, 1), states, atol=1e-5)
        for n, steps in enumerate(each.gates.values()):
            np.testing.assert_allclose(np.stack(steps, 1), layer.gates[:, :, n], atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_with_the_same_seed_a_reference_copy_begins_with_the_weights_of_the_model(cell: str) -> None:
    """So the untrained model that `gradients` shows has exactly the weights that the run began with."""
    model = LanguageModel(model_config(cell=cell, layers=2), V, precision="bfloat16")
    keras.utils.set_random_seed(5)
    model.build()
    keras.utils.set_random_seed(5)
    oracles.assert_same_weights(reference_copy(model).model, model)


def test_the_description_of_a_batch_counts_the_tokens_that_are_only_read() -> None:
    recorded = reference_copy(LanguageModel(model_config(), V, precision="float32"))
    batch = StreamBatch(np.zeros([3, 11], np.int32), np.zeros([3, 8], np.int32))
    assert recorded.describe(batch) == "3 sequences of up to 7 steps, each after 11 tokens that were only read"
    assert recorded.lengths(batch, "layer_0").tolist() == [7, 7, 7]


def test_the_excerpts_of_a_stream_batch_are_spread_over_the_stream() -> None:
    ids = np.arange(211, dtype=np.uint16)
    before, batch = stream_batch(ids, 3, 7)
    assert batch.shape == (3, 8)
    assert batch.dtype == before.dtype == np.int32
    np.testing.assert_array_equal(batch[:, 0], [0, 70, 140])
    np.testing.assert_array_equal(np.diff(batch), 1)
    np.testing.assert_array_equal(before[2], np.arange(40, 140))
    np.testing.assert_array_equal(before[0], np.arange(111, 211))  # the stream is a ring
    assert stream_batch(ids[:9], 5, 7).ids.shape == (1, 8)  # too short for several
    assert stream_batch(ids[:5], 5, 7).ids.shape == (1, 5)
    assert stream_batch(ids[:16], 2, 7).ids.max() == 15
    with pytest.raises(InputError, match="too short"):
        stream_batch(ids[:1], 3, 7)


def test_gradients_over_the_steps_of_a_window_are_refused() -> None:
    model = LanguageModel(model_config(cell="window"), V, precision="float32")
    model.build()
    with pytest.raises(InputError, match="need a recurrent cell, got model.cell=window"):
        reference_copy(model)
