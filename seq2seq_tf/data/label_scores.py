"""How well labels are predicted: confusion table, precision, recall and F1, for classes and tags; by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class LabelScore(NamedTuple):
    """Scores of one label, or of several together; shares from 0 to 1."""

    label: str
    support: int  # true places
    precision: float  # share of its predictions that are right; 0 if there are none
    recall: float  # share of its true places that are found; 0 if there are none
    f1: float  # harmonic mean of both


def confusion(truth: Sequence[int] | np.ndarray, predicted: Sequence[int] | np.ndarray, labels: int) -> np.ndarray:
    """Returns [labels, labels] int64: how often label ROW was taken for label COLUMN."""
    from sklearn.metrics import confusion_matrix  # here: a second, and training needs no scores

    if not len(truth):
        return np.zeros((labels, labels), np.int64)  # scikit-learn refuses it
    return confusion_matrix(truth, predicted, labels=range(labels))


def accuracy(table: np.ndarray) -> float:
    """Returns the share of the diagonal; 0 for an empty table."""
    return float(np.trace(table) / max(table.sum(), 1))


def scores_by_label(table: np.ndarray, labels: Sequence[str]) -> list[LabelScore]:
    """Returns the scores of each label of a confusion table."""
    precision, recall, f1, support = _scores(table, range(len(table)), None)
    return [
        LabelScore(label, int(n), *map(float, row))
        for label, n, *row in zip(labels, support, precision, recall, f1, strict=True)
    ]


def scores_together(table: np.ndarray, name: str, *, without: int) -> LabelScore:
    """Returns the scores over all labels but one, which means "nothing here": micro-averaged.

    An element is found if it is there and has the right label.
    """
    kept = [n for n in range(len(table)) if n != without]
    precision, recall, f1, _ = _scores(table, kept, "micro")
    return LabelScore(name, int(table[kept].sum()), float(precision), float(recall), float(f1))


def _scores(table: np.ndarray, labels: Sequence[int], average: str | None) -> tuple[Any, Any, Any, Any]:
    """Returns precision, recall, F1 and support of some labels; each cell of the table stands for that many texts."""
    from sklearn.metrics import precision_recall_fscore_support

    if not table.any():  # scikit-learn refuses it
        nothing = np.zeros(len(labels)) if average is None else 0.0
        return nothing, nothing, nothing, nothing
    truth, predicted = np.indices(table.shape).reshape(2, -1)
    return precision_recall_fscore_support(
        truth, predicted, labels=labels, average=average, sample_weight=table.ravel(), zero_division=0.0
    )


def score_rows(scores: Sequence[LabelScore]) -> list[list[object]]:
    """Returns rows for `format_table`, in percent."""
    return [[s.label, s.support, *(f"{100 * x:6.2f}" for x in (s.precision, s.recall, s.f1))] for s in scores]
