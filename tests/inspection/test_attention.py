"""Attention maps have the right labels; word alignments follow the sums over pieces."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.attention import attention_figure, attention_png, word_alignment
from seq2seq_tf.tasks.translation.config import TranslationConfig, TranslationModelConfig
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator


def hypothesis(pieces: list[str], source_pieces: list[str], weights: list[list[float]]) -> Hypothesis:
    return Hypothesis("", 0.0, 0.0, pieces, source_pieces, np.array(weights, np.float32))


# Two source words: xy z. Two target words: kabe du. Rows: ka, be, du, end. Columns: x, y, z, end.
EXAMPLE = hypothesis(
    ["▁ka", "be", "▁du"],
    ["▁x", "y", "▁z"],
    [
        [0.3, 0.3, 0.4, 0.0],  # z is the largest piece, but x and y together have more
        [0.2, 0.2, 0.5, 0.1],  # alone it would be aligned to z; with ka, to xy: 1.0 against 0.9
        [0.05, 0.0, 0.1, 0.85],  # the end has most, but is not a word
        [0.0, 0.0, 0.0, 1.0],
    ],
)


def test_a_word_is_aligned_to_the_source_word_whose_pieces_have_most_attention_in_total() -> None:
    assert word_alignment(EXAMPLE) == [(0, 0), (1, 1)]


def test_a_piece_without_a_space_continues_the_word_and_the_first_one_starts_a_word() -> None:
    found = hypothesis(["ka", "be", "▁", "du"], ["x", "▁", "y"], np.eye(5, 4).tolist())
    assert word_alignment(found) == [(0, 0), (1, 1)]


def test_in_scripts_without_spaces_each_piece_is_aligned() -> None:
    found = hypothesis(["▁", "你好", "，", "世界", "▁GN", "U"], ["▁hel", "lo", "▁world"], np.eye(7, 4).tolist())
    assert [target for _, target in word_alignment(found)] == [0, 1, 2, 3]  # ▁你好 ， 世界 GNU
    assert word_alignment(found)[0] == (0, 0)


def test_without_words_there_is_no_alignment() -> None:
    assert word_alignment(hypothesis([], ["▁x"], [[0.5, 0.5]])) == []
    assert word_alignment(hypothesis([], [], [])) == []
    assert word_alignment(EXAMPLE._replace(attention=np.zeros((4, 0), np.float32))) == []


def test_the_picture_has_a_label_per_piece_and_the_unchanged_weights() -> None:
    (axes,) = attention_figure(EXAMPLE).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["▁x", "y", "▁z", "</s>"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["▁ka", "be", "▁du", "</s>"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("source", "translation")
    (image,) = axes.images
    np.testing.assert_array_equal(image.get_array(), EXAMPLE.attention)
    assert image.get_clim() == (0.0, 1.0)  # so that maps can be compared


def brightness(weights: list[list[float]]) -> np.ndarray:
    """Returns the brightness of the picture, [rows, columns] from 0 to 1."""
    png = attention_png(hypothesis(["▁ka"], ["▁x"], weights))
    return matplotlib.image.imread(io.BytesIO(png))[:, :, :3].mean(-1)


def test_a_picture_is_dark_where_attention_is() -> None:
    difference = brightness([[1.0, 0.0], [0.0, 0.0]]) - brightness([[0.0, 0.0], [0.0, 1.0]])
    first, last = (np.argwhere(where).mean(0) for where in (difference < -0.5, difference > 0.5))
    assert (first < last).all()  # further up and to the left


def test_the_picture_of_a_long_sentence_stays_small_enough_to_draw() -> None:
    pieces = ["ka"] * 1023
    figure = attention_figure(hypothesis(pieces, pieces, np.eye(1024).tolist()))
    assert (figure.get_size_inches() * figure.dpi).max() <= 8000.0


@pytest.mark.filterwarnings("error")
def test_pieces_of_any_characters_can_be_drawn() -> None:
    """Two dollar signs would start a formula."""
    pieces = ["$$", "$x^$", "\\frac", "_{", "<0x0A>", "\U0001f600", "\uae40", "\u05e9", "▁", "%", "&"]
    size = len(pieces) + 1
    assert attention_png(hypothesis(pieces, pieces, np.eye(size).tolist())).startswith(b"\x89PNG\r\n\x1a\n")


def test_without_weights_there_is_no_picture(translator: Translator) -> None:
    with pytest.raises(InputError, match="attention=True"):
        attention_png(translator.translate("ka be"))


def test_a_model_without_attention_gives_no_picture_and_no_alignment(translator: Translator) -> None:
    config = TranslationConfig(
        model=TranslationModelConfig(attention="none", embedding_units=5, output_units=5, encoder_units=3)
    )
    model = Translation(
        config.model, *(m.vocab_size for m in (translator.source, translator.target)), precision="float32"
    )
    model.build()
    plain = Translator(model, translator.source, translator.target, config)
    found = plain.translate("ka be", beam_size=1, attention=True)
    assert found.attention.shape[1] == 0
    assert word_alignment(found) == []
    with pytest.raises(InputError, match="a model with attention"):
        attention_png(found)


def test_a_trained_translator_aligns_each_word_of_its_translation(translator: Translator) -> None:
    found = translator.translate("ka be du lo", attention=True)
    alignment = word_alignment(found)
    assert [target for _, target in alignment] == list(range(len(found.text.split())))
    assert {source for source, _ in alignment} <= set(range(4))
    assert attention_png(found).startswith(b"\x89PNG\r\n\x1a\n")
