"""Scores of predicted case and punctuation, computed separately."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seq2seq_tf.data.label_scores import LabelScore, confusion, scores_by_label, scores_together
from seq2seq_tf.tasks.tagging.casing import CASES, MARKS, split_label


class CaseAndMarks(NamedTuple):
    """Separate scores of case and of punctuation marks."""

    cases: list[LabelScore]
    marks: list[LabelScore]
    case: LabelScore  # all cases but lower together
    mark: LabelScore  # all marks together
    accuracy: float  # share of words with the right case and mark


def case_and_mark_scores(truth: Sequence[str], predicted: Sequence[str]) -> CaseAndMarks:
    """Returns scores of predicted labels from `casing.LABELS`, word by word; there must be at least one word."""
    names = CASES, ("none", *MARKS)
    right, found = (list(zip(*map(split_label, labels), strict=True)) for labels in (truth, predicted))
    tables = []
    for part, known in enumerate((CASES, ("", *MARKS))):
        number = {name: n for n, name in enumerate(known)}
        tables.append(confusion([number[x] for x in right[part]], [number[x] for x in found[part]], len(known)))
    by_label = [scores_by_label(table, labels) for table, labels in zip(tables, names, strict=True)]
    case, mark = (scores_together(t, name, without=0) for t, name in zip(tables, ("not lower", "marks"), strict=True))
    exact = sum(a == b for a, b in zip(truth, predicted, strict=True))
    return CaseAndMarks(by_label[0], by_label[1], case, mark, exact / len(truth))
