"""Scores of labels equal those counted by hand."""

import numpy as np
import pytest

from seq2seq_tf.data.label_scores import accuracy, confusion, score_rows, scores_by_label, scores_together

TRUTH, PREDICTED = [0, 0, 0, 1, 1, 2], [0, 1, 0, 1, 0, 1]


def test_rows_of_the_confusion_table_are_the_truth() -> None:
    table = confusion(TRUTH, PREDICTED, 3)
    assert table.tolist() == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]
    assert accuracy(table) == pytest.approx(3 / 6)
    assert accuracy(np.zeros((3, 3))) == 0.0


def test_precision_recall_and_f1_of_each_label() -> None:
    a, b, c = scores_by_label(confusion(TRUTH, PREDICTED, 3), "abc")
    assert a == ("a", 3, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert b == ("b", 2, pytest.approx(1 / 3), pytest.approx(1 / 2), pytest.approx(0.4))
    assert c == ("c", 1, 0.0, 0.0, 0.0)
    assert score_rows([b]) == [["b", 2, " 33.33", " 50.00", " 40.00"]]


def test_without_texts_all_scores_are_zero() -> None:
    table = confusion([], [], 2)
    assert table.tolist() == [[0, 0], [0, 0]]
    assert scores_by_label(table, "ab") == [("a", 0, 0.0, 0.0, 0.0), ("b", 0, 0.0, 0.0, 0.0)]
    assert scores_together(table, "some", without=0) == ("some", 0, 0.0, 0.0, 0.0)


def test_joint_scores_exclude_the_label_that_means_nothing_here() -> None:
    together = scores_together(confusion(TRUTH, PREDICTED, 3), "some", without=0)
    assert together == ("some", 3, pytest.approx(1 / 3), pytest.approx(1 / 3), pytest.approx(1 / 3))
