"""The values shown for a symbol are the states after that symbol, on its place in the text."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.data.batching import make_batch
from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.activations import Reading, read_files, read_pairs
from seq2seq_tf.structures import BOS_ID
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.tasks.translation.translator import Translator
from tests import language_models

TEXTS = ["ma mo\nloé\n\nüt gin", "k k\nma", "mo mo\nmo gin k\nma"]


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


def assert_spans_hold_symbols(reading: Reading, text: str) -> None:
    for symbol, (start, end) in zip(reading.symbols, reading.spans, strict=True):
        assert text[start:end] == symbol


@pytest.mark.parametrize("symbols", ["characters", "pieces"])
def test_each_file_is_read_from_its_own_beginning(symbols: str, generators: dict[str, TextGenerator]) -> None:
    generator = generators[symbols]
    reading = read_files(generator, TEXTS, 10_000)
    assert reading.files == TEXTS
    assert "".join(reading.symbols) == "\n".join(TEXTS)
    assert_spans_hold_symbols(reading, "\n".join(TEXTS))
    expected = [generator.activations(text + end) for text, end in zip(TEXTS, ("\n", "\n", ""), strict=True)]
    assert reading.names == expected[0].names
    np.testing.assert_allclose(reading.values, np.concatenate([each.values for each in expected]), atol=1e-5)


@pytest.mark.parametrize("symbols", ["characters", "pieces"])
@pytest.mark.parametrize(("characters", "read"), [(10, 10), (12, 11), (17, 17), (19, 19), (26, 26), (100, 42)])
def test_a_text_is_cut_at_the_end_of_a_line_if_it_has_one(
    characters: int, read: int, symbols: str, generators: dict[str, TextGenerator]
) -> None:
    """The first text has lines of 6, 4, 1 and 6 characters, LF counted; its separator makes it 18."""
    reading = read_files(generators[symbols], TEXTS, characters)
    assert "".join(reading.symbols) == "\n".join(TEXTS)[:read]
    assert "\n".join(reading.files).startswith("\n".join(TEXTS)[:read])  # properties are of whole files
    assert len(reading.values) == len(reading.symbols)


def test_a_line_longer_than_the_limit_is_cut_in_the_line(generators: dict[str, TextGenerator]) -> None:
    assert "".join(read_files(generators["characters"], ["ma" * 50], 7).symbols) == "mamamam"


@pytest.mark.parametrize("texts", [[], [""]])
def test_an_empty_text_is_refused(texts: list[str], generators: dict[str, TextGenerator]) -> None:
    with pytest.raises(InputError, match="empty"):
        read_files(generators["characters"], texts, 100)


SOURCES = ["ka be du", "", "lo", "gi mo ra ne ba", "be"]
TARGETS = ["du be ka", "lo", "lo", "", "be be"]
KEPT = [0, 2, 4]


def test_source_values_are_the_encoders_outputs(translator: Translator) -> None:
    source, _ = read_pairs(translator, SOURCES, TARGETS)
    text = "".join(SOURCES[n] + "\n" for n in KEPT)
    assert source.files == [*(SOURCES[n] for n in KEPT), ""]
    assert "".join(source.symbols) == text
    assert_spans_hold_symbols(source, text)
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
    assert "".join(target.symbols) == "".join(TARGETS[n] + "\n" for n in KEPT)
    model, at = translator.model, 0
    weights = model.decoder.weights_for_steps()
    text = "\n".join(target.files)
    for n in KEPT:
        source, pieces = translator.source.encode([SOURCES[n]])[0], translator.target.encode([TARGETS[n]])[0]
        memory, state = model.encode(tf.constant(make_batch([source], [pieces]).source))
        for k, piece in enumerate([BOS_ID, *pieces]):
            _, state = model.decoder.step(weights, tf.constant([piece]), state, memory)
            if k:
                expected = np.concatenate([tensor[0] for cell in state.cells for tensor in cell])
                np.testing.assert_allclose(target.values[at], expected, atol=1e-5)
                start, end = target.spans[at]
                assert text[start:end] == target.symbols[at].removesuffix("\n")
                at += 1
    assert at == len(target.values)
    assert {name.rsplit("/", 1)[0] for name in target.names} == {"decoder/layer_0/h", "decoder/layer_0/c"}


def test_pairs_without_text_are_refused(translator: Translator) -> None:
    with pytest.raises(InputError, match="both sides"):
        read_pairs(translator, ["", "ka"], ["be", ""])


def test_texts_longer_than_any_that_is_translated_are_cut_and_named(translator: Translator) -> None:
    most = translator.config.search.max_source_pieces
    with pytest.warns(UserWarning, match="cut from") as caught:
        source, target = read_pairs(translator, ["ka", "be " * most], ["lo " * (most + 7), "lo"])
    assert [str(each.message).split(":")[0] for each in caught] == ["source 2", "target 1"]
    assert len(source.symbols) == len(translator.source.encode(["ka"])[0]) + 1 + most + 1
    assert len(target.symbols) == most + len(translator.target.encode(["lo"])[0])
