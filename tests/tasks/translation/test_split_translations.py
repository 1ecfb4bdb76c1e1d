"""A text of several sentences is translated sentence by sentence; a single sentence as before."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.attention import word_alignment
from seq2seq_tf.tasks.translation.hypotheses import join
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.text.sentences import split_paragraph
from tests.toy import sentences
from tests.trained import assert_same

WORDS = [" ".join(words) for words in sentences(6, seed=29, longest=7)]
SEVERAL = [f"{WORDS[0]}! 1 {WORDS[1]}.\n2 {WORDS[2]}", f" {WORDS[3]}。{WORDS[4]}。 "]
TEXTS = [WORDS[0], SEVERAL[0], "", SEVERAL[1], f"  {WORDS[5]} . ka"]


@pytest.mark.parametrize("n_best", [1, 3])
def test_a_text_of_several_sentences_is_the_join_of_their_translations(translator: Translator, n_best: int) -> None:
    search = translator.search_options(n_best=n_best)
    for text, row in zip(TEXTS, translator.translate_all(TEXTS, search), strict=True):
        paragraph = split_paragraph(text)
        if text in SEVERAL:
            expected = join(translator.translate_all(paragraph.sentences, search), paragraph, n_best)
        else:
            expected = translator.translate_all([text], search)[0]
        assert len(row) == n_best
        for ours, theirs in zip(row, expected, strict=True):
            assert_same(ours, theirs)
    assert [len(split_paragraph(text).sentences) for text in TEXTS] == [1, 3, 0, 2, 1]


def test_a_text_of_one_sentence_gives_the_same_bits_whether_texts_are_split_or_not(translator: Translator) -> None:
    whole, split = (translator.translate(WORDS, split_sentences=split) for split in (False, True))
    assert [h[:5] for h in whole] == [h[:5] for h in split]
    assert not any(h.sentences for h in split)


def test_a_text_is_translated_as_a_whole_if_splitting_is_off(translator: Translator) -> None:
    found = translator.translate(SEVERAL[0], split_sentences=False)
    assert found.sentences == ()
    assert found.source_pieces == translator.source.pieces(translator.source.encode([SEVERAL[0]])[0])


def test_the_run_decides_unless_the_call_does(translator: Translator) -> None:
    search = dataclasses.replace(translator.config.search, split_sentences=False)
    config = dataclasses.replace(translator.config, search=search)
    whole = Translator(translator.model, translator.source, translator.target, config)
    assert not whole.translate(SEVERAL[0]).sentences
    assert len(whole.translate(SEVERAL[0], split_sentences=True).sentences) == 3
    with pytest.raises(InputError, match="split_sentences must be of type bool"):
        whole.translate(SEVERAL[0], split_sentences=2)


def test_attention_and_alignments_are_those_of_the_whole_text(translator: Translator) -> None:
    found = translator.translate(SEVERAL[0], attention=True)
    assert found.attention.shape == (len(found.pieces) + 1, len(found.source_pieces) + 1)
    np.testing.assert_allclose(found.attention.sum(1), 1.0, rtol=1e-5)
    pairs = word_alignment(found)
    assert [target for _, target in pairs] == list(range(len(found.text.split())))
    assert max(source for source, _ in pairs) < len(SEVERAL[0].split())


def test_a_truncated_sentence_is_named_by_the_number_of_its_text(translator: Translator) -> None:
    long = f"{WORDS[0]}. 1 " + "ka be " * 99
    with pytest.warns(UserWarning, match=r"^text 2: cut from \d+ to 37 pieces") as caught:
        translator.translate([SEVERAL[0], long], max_source_pieces=37)
    assert len(caught) == 1


def test_a_text_of_many_sentences_is_never_truncated(translator: Translator) -> None:
    found = translator.translate("ka be! 1 lo mi. " * 29, max_source_pieces=37)
    assert len(found.sentences) == 30
