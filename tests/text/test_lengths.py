"""Lengths are judged relative to the ratio of the corpus, with slack for short texts."""

from __future__ import annotations

import pytest

from seq2seq_tf.text.lengths import character_ratio, length_deviation, length_ratio


def test_deviations_are_relative_to_the_ratio_of_the_corpus() -> None:
    ratio = character_ratio([("a" * 100, "あ" * 40), ("b" * 50, "い" * 20)])
    assert ratio == pytest.approx(0.4)
    assert length_deviation(500, 200, ratio) == pytest.approx(1.0)
    assert length_deviation(500, 1000, ratio) == length_deviation(500, 1000, 0.4) > 4


def test_short_pairs_are_not_outliers() -> None:
    assert length_deviation(len("OK"), len("Einverstanden"), 1.0) < 2


def test_an_empty_corpus_has_ratio_one() -> None:
    assert character_ratio([]) == character_ratio([("", "x")]) == 1.0


def test_outputs_are_compared_with_their_references_in_characters() -> None:
    assert length_ratio(["ab", "", "c"], ["abcd", "ef"]) == pytest.approx(0.5)
    assert length_ratio(["ab"], ["", ""]) == 1.0
