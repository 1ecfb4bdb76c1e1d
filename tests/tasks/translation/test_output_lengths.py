"""Missing and much too short outputs are found by the lengths of the corpus, not by a fixed number."""

from __future__ import annotations

import pytest

from seq2seq_tf.tasks.translation.output_lengths import output_lengths
from seq2seq_tf.text.lengths import length_ratio

SOURCES = ["x" * 40, "x" * 40, "", "x" * 200, "ja", "  "]
REFERENCES = ["y" * 80, "y" * 80, "", "y" * 400, "yes", ""]  # twice as long


def test_outputs_as_long_as_the_references_are_accepted() -> None:
    found = output_lengths(SOURCES, REFERENCES, REFERENCES)
    assert found == (6, 1.0, [], [])


def test_missing_and_short_outputs_are_named_by_their_lines() -> None:
    outputs = ["", "y" * 39, "", "y" * 150, "", " "]
    found = output_lengths(SOURCES, outputs, REFERENCES)
    assert found.empty == [1, 5]  # not 3 and 6, whose sources are empty
    assert found.short == [4]  # 2 has the slack of a short line
    assert found.ratio == pytest.approx((39 + 150 + 1) / 563)


def test_outputs_that_are_too_long_are_not_short() -> None:
    assert output_lengths(["x" * 90] * 2, ["y" * 900] * 2, ["y" * 90] * 2).short == []


def test_what_is_too_short_depends_on_the_corpus() -> None:
    sources, outputs = ["x" * 100], ["y" * 40]
    assert output_lengths(sources, outputs, ["y" * 100]).short == [1]
    assert output_lengths(sources, outputs, ["y" * 45]).short == []


def test_without_references_nothing_is_too_short() -> None:
    assert output_lengths(["x"], [""], [""])[1:] == (1.0, [1], [])
    assert length_ratio([], []) == 1.0
