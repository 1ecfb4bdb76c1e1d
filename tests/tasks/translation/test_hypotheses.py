"""The translation of a text is joined from those of its sentences: combinations, white space, pieces, attention."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from seq2seq_tf.inspection.attention import word_alignment
from seq2seq_tf.tasks.translation.hypotheses import Hypothesis, empty, join
from seq2seq_tf.text.sentences import Paragraph, split_paragraph


def hypothesis(text: str, score: float = -1.0, source: str = "x y", attention: np.ndarray | None = None) -> Hypothesis:
    """Returns a translation whose pieces are its words."""
    pieces, source_pieces = (["\u2581" + word for word in side.split()] for side in (text, source))
    weights = np.zeros((0, 0), np.float32) if attention is None else attention
    return Hypothesis(text, score, 2 * score, pieces, source_pieces, weights)


def texts_of(source: str, *texts: str) -> str:
    """Returns the text that joins translations of the sentences of a source."""
    (found,) = join([[hypothesis(text)] for text in texts], split_paragraph(source), 1)
    return found.text


@pytest.mark.parametrize("n_best", [1, 2, 5, 99])
def test_the_best_combinations_are_those_of_an_exhaustive_search(n_best: int, rng: np.random.Generator) -> None:
    rows = [
        sorted((hypothesis(f"{n}{k}", float(rng.normal())) for k in range(count)), key=lambda h: -h.score)
        for n, count in enumerate((3, 1, 2, 3))
    ]
    source = Paragraph(["a", "b", "c", "d"], [" "] * 3)
    combinations = sorted(itertools.product(*rows), key=lambda parts: -sum(h.score for h in parts))
    found = join(rows, source, n_best)
    assert len(found) == min(n_best, 18)
    for ours, parts in zip(found, combinations, strict=False):
        assert ours.text == " ".join(h.text for h in parts)
        assert ours.score == pytest.approx(sum(h.score for h in parts))
        assert ours.log_prob == pytest.approx(sum(h.log_prob for h in parts))
        assert ours.pieces == [piece for h in parts for piece in h.pieces]
        assert ours.sentences == parts


def test_sentences_are_joined_by_the_white_space_between_their_sources() -> None:
    assert texts_of("One.  Two.\n\nThree.\u00a0Four.", "A.", "B.", "C.", "D.") == "A.  B.\n\nC.\u00a0D."


def test_white_space_follows_the_language_of_the_translation() -> None:
    assert texts_of("One. Two.", "一。", "二。") == "一。二。"
    assert texts_of("一。二。", "One.", "Two.") == "One. Two."
    assert texts_of("一。二。", "いち。", "に。") == "いち。に。"
    assert texts_of("One. Two.", "หนึ่ง", "สอง") == "หนึ่ง สอง"
    assert texts_of("一。二。", "หนึ่ง", "สอง") == "หนึ่ง สอง"
    assert texts_of("One.\nTwo.", "一。", "二。") == "一。\n二。"  # an unusual separator is intended


def test_sentences_without_a_translation_leave_no_white_space_behind() -> None:
    assert texts_of("One. Two.\nThree.", "A.", "", "C.") == "A. C."
    assert texts_of("One. Two.\nThree.", "", "B.", "") == "B."
    (found,) = join([[empty()], [empty()]], split_paragraph("One. Two."), 1)
    assert found[:5] == ("", 0.0, 0.0, [], [])


def test_a_sentence_that_follows_without_a_space_does_not_start_a_word() -> None:
    (found,) = join(
        [[hypothesis("一。", source="1。")], [hypothesis("二。", source="2。")]], split_paragraph("1。2。"), 1
    )
    assert found.pieces == ["\u2581一。", "二。"]
    assert found.source_pieces == ["\u25811。", "2。"]


def attended(text: str, source: str, rng: np.random.Generator) -> Hypothesis:
    shape = (len(text.split()) + 1, len(source.split()) + 1)
    weights = rng.random(shape).astype(np.float32)
    return hypothesis(text, source=source, attention=weights / weights.sum(1, keepdims=True))


def test_attention_stays_in_its_sentence_and_its_rows_are_shares(rng: np.random.Generator) -> None:
    parts = [attended("a b c", "x y", rng), attended("d", "z u v", rng)]
    (found,) = join([[part] for part in parts], Paragraph(["x y", "z u v"], [" "]), 1)
    assert found.attention.shape == (len(found.pieces) + 1, len(found.source_pieces) + 1) == (5, 6)
    np.testing.assert_allclose(found.attention.sum(1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(found.attention[:3, :2], parts[0].attention[:3, :2])
    np.testing.assert_array_equal(found.attention[3:, 2:], parts[1].attention)
    assert not found.attention[:3, 2:5].any()
    assert not found.attention[3:, :2].any()


def test_a_word_alignment_counts_the_words_of_the_whole_text(rng: np.random.Generator) -> None:
    parts = [attended("a b c", "x y", rng), empty(), attended("d", "z u v", rng)]
    (found,) = join([[part] for part in parts], Paragraph(["x y", "\u200b", "z u v"], [" ", " "]), 1)
    first, last = word_alignment(parts[0]), word_alignment(parts[2])
    assert word_alignment(found) == [*first, *((source + 2, target + 3) for source, target in last)]


def test_a_map_too_large_for_memory_is_left_out_but_the_alignment_is_not(rng: np.random.Generator) -> None:
    words = " ".join(["a"] * 1100)
    parts = [attended(words, words, rng)] * 2
    (found,) = join([[part] for part in parts], Paragraph([words, words], [" "]), 1)
    assert found.attention.shape == (0, 0)
    assert len(word_alignment(found)) == 2200
