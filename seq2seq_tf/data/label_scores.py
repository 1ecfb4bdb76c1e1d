"""Scores of predicted classes and tags: confusion table, precision, recall and F1, computed by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class LabelScore(NamedTuple):
    """Scores, from 0 to 1, of one label or of several labels together."""

    label: str
    support: int  # number of true occurrences
    precision: float  # share of its predictions that are correct; 0 if there are none
    recall: float  # share of its true occurrences that are found; 0 if there are none
    f1: float  # harmonic mean of precision and recall


def confusion(truth: Sequence[int] | np.ndarray, predicted: Sequence[int] | np.ndarray, labels: int) -> np.ndarray:
    """Returns [labels, labels] int64: how often true label ROW was predicted as label COLUMN."""
    from sklearn.metrics import confusion_matrix  # imported here: takes a second, and training needs no scores

    if not len(truth):
        return np.zeros((labels, labels), np.int64)  # scikit-learn refuses empty input
    return confusion_matrix(truth, predicted, labels=range(labels))


def accuracy(table: np.ndarray) -> float:
    """Returns the accuracy, the share of the diagonal of a confusion table; 0 for an empty table."""
    return float(np.trace(table) / max(table.sum(), 1))


def scores_by_label(table: np.ndarray, labels: Sequence[str]) -> list[LabelScore]:
    """Returns the scores of each label of a confusion table."""
    precision, recall, f1, support = _scores(table, range(len(table)), None)
    return [
        LabelScore(label, int(n), *map(float, row))
        for label, n, *row in zip(labels, support, precision, recall, f1, strict=True)
    ]


def scores_together(table: np.ndarray, name: str, *, without: int) -> LabelScore:
    """Returns the micro-averaged scores of all labels except `without`, which means "nothing here".

    An occurrence counts as found if its predicted label is the true one.
    """
    kept = [n for n in range(len(table)) if n != without]
    precision, recall, f1, _ = _scores(table, kept, "micro")
    return LabelScore(name, int(table[kept].sum()), float(precision), float(recall), float(f1))


def _scores(table: np.ndarray, labels: Sequence[int], average: str | None) -> tuple[Any, Any, Any, Any]:
    """Returns precision, recall, F1 and support of some labels from the counts in a confusion table."""
    from sklearn.metrics import precision_recall_fscore_support

    if not table.any():  # scikit-learn refuses empty input
        nothing = np.zeros(len(labels)) if average is None else 0.0
        return nothing, nothing, nothing, nothing
    truth, predicted = np.indices(table.shape).reshape(2, -1)
    return precision_recall_fscore_support(
        truth, predicted, labels=labels, average=average, sample_weight=table.ravel(), zero_division=0.0
    )


def score_rows(scores: Sequence[LabelScore]) -> list[list[object]]:
    """Returns rows for `format_table`: label, support, and precision, recall and F1 in percent."""
    return [[s.label, s.support, *(f"{100 * x:6.2f}" for x in (s.precision, s.recall, s.f1))] for s in scores]
