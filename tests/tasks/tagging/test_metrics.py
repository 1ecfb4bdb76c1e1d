"""Case and marks of words are scored separately; expected values were counted by hand."""

from __future__ import annotations

import pytest

from seq2seq_tf.tasks.tagging.metrics import case_and_mark_scores


def test_case_and_marks_are_scored_separately() -> None:
    truth = ["Title", "lower,", "mixed.", "lower", "UPPER?"]
    predicted = ["Title", "lower.", "lower.", "lower", "UPPER?"]
    scores = case_and_mark_scores(truth, predicted)
    assert scores.accuracy == pytest.approx(3 / 5)
    assert scores.case[1:] == (3, 1.0, pytest.approx(2 / 3), pytest.approx(0.8))
    assert scores.mark[1:] == (3, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert {s.label: s.support for s in scores.marks} == {"none": 2, ",": 1, ".": 1, "?": 1, ":": 0, ";": 0, "!": 0}
