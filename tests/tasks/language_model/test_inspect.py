"""Inspecting a language model: its test text, excerpts of its held-out text, new cells of its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import Asked, Sizes
from seq2seq_tf.tasks.language_model.inspect import gradient_batch, load, read, sizes_given, sizes_of_run
from seq2seq_tf.tasks.language_model.task import text_parts
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.text.text_files import read_text

NO_TEXT = Asked("", None, None)


@pytest.fixture(scope="module")
def generator(language_run: Path) -> TextGenerator:
    return load(str(language_run))


def test_the_test_text_is_read_by_default_and_a_file_if_named(generator: TextGenerator, tmp_path: Path) -> None:
    (reading,), kind = read(generator, NO_TEXT, 10_000)
    parts = text_parts(generator.config.data)
    assert sorted(reading.files) == sorted(read_text(path) for path in parts["test"].paths())
    assert kind == "text"
    (tmp_path / "x.py").write_text("ma = 'mo'\n", encoding="utf-8")
    (reading,), kind = read(generator, Asked("", str(tmp_path / "x.py"), None), 10_000)
    assert (reading.files, kind) == (["ma = 'mo'\n"], "python")


def test_gradients_are_measured_on_the_held_out_stream_or_a_text(
    generator: TextGenerator, language_run: Path, tmp_path: Path
) -> None:
    held_out = gradient_batch(generator, NO_TEXT._replace(model_dir=str(language_run)), Sizes(2, 5))
    assert held_out.ids.shape == (2, 6)
    (tmp_path / "x.txt").write_text("ma mo ma mo gin", encoding="utf-8")
    named = gradient_batch(generator, Asked(str(language_run), str(tmp_path / "x.txt"), None), Sizes(1, 7))
    assert generator.tokenizer.decode(named.ids[:, 1:].tolist()) == ["ma mo m"]
    with pytest.raises(InputError, match="--text must name a file or folder"):
        gradient_batch(generator, NO_TEXT._replace(model_dir=str(tmp_path)), Sizes(1, 7))


def test_new_cells_have_the_sizes_of_the_run_or_the_given_ones(
    generator: TextGenerator, language_run: Path, tmp_path: Path
) -> None:
    of_run = sizes_of_run(generator, NO_TEXT._replace(model_dir=str(language_run)), Sizes(2, 5))
    assert (of_run.layers, of_run.units) == (generator.config.model.layers, generator.config.model.units)
    given = sizes_given(NO_TEXT, Sizes(3, 5), units=7, layers=2, seed=1)
    assert (given.layers, given.units, given.batch.ids.shape) == (2, 7, (3, 6))
    for kind in ("rnn", "gru", "lstm"):
        fresh = given.fresh(kind)
        assert [(named.name, named.cell.units) for named in fresh.cells] == [("layer_0", 7), ("layer_1", 7)]
        assert np.isfinite(float(fresh.loss(given.batch, fresh.start(given.batch)).nll))


def test_random_tokens_follow_the_seed_and_characters_of_a_text_are_numbered(tmp_path: Path) -> None:
    one, same, other = (sizes_given(NO_TEXT, Sizes(2, 5), units=3, layers=1, seed=seed).batch for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.ids, same.ids)
    assert not np.array_equal(one.ids, other.ids)
    (tmp_path / "x").write_text("abcabcab", encoding="utf-8")
    batch = sizes_given(Asked("", str(tmp_path / "x"), None), Sizes(1, 7), units=3, layers=1, seed=1).batch
    assert batch.ids.tolist() == [[4, 5, 6, 4, 5, 6, 4, 5]]
