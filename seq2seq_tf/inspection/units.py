"""Which hidden units follow a property of the text: chosen on one half of it, scored on the other.

The best of a thousand units looks good by chance alone. So units are ranked and thresholds set on the first half of the
text, and every reported score comes from the second half. Each half is contiguous, because neighbouring characters
have nearly the same state; the model should not have been trained on any of the text.

A binary property is scored by the area under the ROC curve (AUC): the probability that the unit is higher on a
character inside than on one outside, ties counting half (Mann and Whitney 1947; Hanley and McNeil 1982). A numeric one
is scored by Spearman's rank correlation, and by Pearson's for comparison. To rank all units, both measures are computed
as products of the properties with the units' ranks, which are computed once for all properties; scikit-learn and SciPy
score the few units that are chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import pearsonr, rankdata, spearmanr
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score, roc_curve

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.properties import Property

_CHUNK_VALUES = 2_000_000  # values that are ranked in one chunk of units: about 50 MB


class BinaryScore(NamedTuple):
    """How well one unit separates inside from outside; measured on the second half unless stated otherwise."""

    unit: str
    column: int  # of the activations
    sign: int  # 1: high inside, -1: low inside; from the first half
    selected_by: float  # AUC of sign * unit on the first half, 0.5 to 1
    auc: float  # AUC of sign * unit; below 0.5 if the sign of the first half does not hold
    threshold: float  # inside where sign * unit > sign * threshold; best balanced accuracy on the first half
    balanced_accuracy: float  # mean of the recalls of inside and outside; 0.5 is chance
    f1: float  # harmonic mean of precision and recall of inside, at the same threshold


class NumberScore(NamedTuple):
    """How well one unit follows a numeric property; measured on the second half unless stated otherwise."""

    unit: str
    column: int  # of the activations
    sign: int  # 1: rises with the property, -1: falls; from the first half
    selected_by: float  # sign * Spearman's correlation on the first half, 0 to 1
    spearman: float  # Spearman's correlation of sign * unit; negative if the sign of the first half does not hold
    pearson: float  # Pearson's correlation of sign * unit


class Ranking(NamedTuple):
    """The units that best follow one property, in the order of their first half's measure."""

    property: Property
    share: float  # mean of the property on the second half; for a binary one, the share that is inside
    scores: Sequence[BinaryScore | NumberScore]


class Rankings(NamedTuple):
    """The result of `rank_units`, in the order of the properties."""

    rankings: list[Ranking]
    skipped: list[str]  # names of properties that are constant in one half of the text


class _Targets(NamedTuple):
    """P properties of T tokens, in the form that is multiplied by the ranks of units."""

    rows: np.ndarray  # [P, T] float64: 0 and 1, or centred ranks
    divisors: np.ndarray  # [P]
    binary: np.ndarray  # [P] bool


def rank_units(
    activations: np.ndarray, names: Sequence[str], properties: Sequence[Property], top: int = 20
) -> Rankings:
    """Ranks all units for each property.

    Args:
      activations: [T, U] float32, the value of each unit after each token; memory-mapped or not.
      names: names of the U units.
      properties: properties with values [T].
      top: number of units kept per property.

    Raises:
      InputError: there are fewer than 4 tokens, or a unit has values that are not finite.
      ValueError: the sizes of the arguments do not match.
    """
    length, units = activations.shape
    if len(names) != units or any(len(p.values) != length for p in properties):
        raise ValueError(f"activations [{length}, {units}] must have a name per unit and a property value per token")
    if length < 4:
        raise InputError(f"a text of {length} tokens is too short to rank units: it must have 4 or more")
    half = length // 2
    varies = [_varies(p.values[:half]) and _varies(p.values[half:]) for p in properties]
    skipped = [p.name for p, usable in zip(properties, varies, strict=True) if not usable]
    kept = [p for p, usable in zip(properties, varies, strict=True) if usable]
    if not kept:
        return Rankings([], skipped)
    targets = _targets(kept, half)
    measured = np.concatenate([_measures(chunk, targets) for chunk in _chunks(activations, names, half)], 1)  # [P, U]
    rankings = []
    for p, by_unit in zip(kept, measured, strict=True):
        best = np.argsort(-np.abs(by_unit), kind="stable")[:top].tolist()
        score = _binary_score if p.kind == "binary" else _number_score
        scores = [score((names[u], u, float(by_unit[u])), activations[:, u], p.values) for u in best]
        rankings.append(Ranking(p, float(np.mean(p.values[half:])), scores))
    return Rankings(rankings, skipped)


def per_piece(properties: Sequence[Property], spans: np.ndarray) -> list[Property]:
    """Returns the properties of pieces: each piece has the value of its last character, after which the unit is read.

    Args:
      properties: properties of the T characters.
      spans: [P, 2] int, first character and end of each piece. An empty one (the end of a sentence) has the value of
        the character before it.
    """
    last = np.maximum(np.asarray(spans)[:, 1] - 1, 0)
    return [p._replace(values=p.values[last]) for p in properties]


def table(ranking: Ranking) -> tuple[list[str], list[list[str]]]:
    """Returns column names and rows of text for `page.Table`, or for a terminal."""
    if ranking.property.kind == "binary":
        columns = ["unit", "direction", "AUC", "balanced accuracy", "F1", "threshold", "AUC, selection half"]
    else:
        columns = ["unit", "direction", "Spearman", "Pearson", "Spearman, selection half"]
    rows = []
    for score in ranking.scores:
        if isinstance(score, BinaryScore):
            numbers = [score.auc, score.balanced_accuracy, score.f1, score.threshold, score.selected_by]
            direction = "high inside" if score.sign > 0 else "low inside"
        else:
            numbers = [score.spearman, score.pearson, score.selected_by]
            direction = "rising" if score.sign > 0 else "falling"
        rows.append([score.unit, direction, *(f"{number:.3f}" for number in numbers)])
    return columns, rows


def _varies(values: np.ndarray) -> bool:
    return bool(np.any(values != values[0]))


def _chunks(activations: np.ndarray, names: Sequence[str], half: int) -> Iterator[np.ndarray]:
    """Yields the first half of the text for some units at a time, [C, T / 2]; checks that all values are finite."""
    width = max(1, _CHUNK_VALUES // half)
    for start in range(0, activations.shape[1], width):
        chunk = activations[:, start : start + width].T
        finite = np.isfinite(chunk).all(-1)
        if not finite.all():
            raise InputError(f"unit {names[start + int(np.argmin(finite))]} has values that are not finite numbers")
        yield np.ascontiguousarray(chunk[:, :half])


def _targets(properties: Sequence[Property], stop: int) -> _Targets:
    """Returns the first `stop` values of the properties in the form that `_measures` multiplies."""
    rows, divisors = [], []
    binary = np.array([p.kind == "binary" for p in properties])
    for p in properties:
        values = p.values[:stop]
        row = values.astype(np.float64) if p.kind == "binary" else _centred_ranks(values)
        rows.append(row)
        positives = np.count_nonzero(values)
        divisors.append(positives * (stop - positives) if p.kind == "binary" else np.linalg.norm(row))
    return _Targets(np.stack(rows), np.array(divisors, np.float64), binary)


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Returns the ranks along the last axis minus their mean; ties share their mean rank."""
    return rankdata(values, axis=-1) - (values.shape[-1] + 1) / 2


def _measures(chunk: np.ndarray, targets: _Targets) -> np.ndarray:
    """Returns [P, C] AUC - 0.5 for binary properties, Spearman's correlation for numbers.

    If k of n values are inside and r are the ranks: AUC = (sum of r inside - k (k + 1) / 2) / (k (n - k)), so
    AUC - 0.5 = (sum of (r - (n + 1) / 2) inside) / (k (n - k)).
    """
    centred = _centred_ranks(chunk)  # [C, T]
    norms = np.where(targets.binary[:, None], 1.0, np.linalg.norm(centred, axis=-1)) * targets.divisors[:, None]
    return np.divide(targets.rows @ centred.T, norms, out=np.zeros_like(norms), where=norms > 0)


def _binary_score(unit: tuple[str, int, float], values: np.ndarray, inside: np.ndarray) -> BinaryScore:
    """Returns the scores of one unit (name, column, AUC - 0.5 on the first half); values [T], inside [T] bool."""
    name, column, measured = unit
    half = len(values) // 2
    sign = 1 if measured >= 0 else -1
    signed = sign * values.astype(np.float64)
    threshold = _best_threshold(signed[:half], inside[:half])
    found, true = signed[half:] > threshold, inside[half:]
    return BinaryScore(
        name,
        column,
        sign,
        selected_by=0.5 + abs(measured),
        auc=float(roc_auc_score(true, signed[half:])),
        threshold=sign * threshold,
        balanced_accuracy=float(balanced_accuracy_score(true, found)),
        f1=float(f1_score(true, found)),
    )


def _number_score(unit: tuple[str, int, float], values: np.ndarray, target: np.ndarray) -> NumberScore:
    """Returns the scores of one unit (name, column, Spearman on the first half); values [T], target [T]."""
    name, column, measured = unit
    half = len(values) // 2
    sign = 1 if measured >= 0 else -1
    signed, target = sign * values[half:].astype(np.float64), target[half:].astype(np.float64)
    return NumberScore(
        name,
        column,
        sign,
        selected_by=abs(measured),
        spearman=_correlation(spearmanr, signed, target),
        pearson=_correlation(pearsonr, signed, target),
    )


def _best_threshold(values: np.ndarray, inside: np.ndarray) -> float:
    """Returns the threshold with the best balanced accuracy, midway between two values; above it means inside."""
    false, true, cuts = roc_curve(inside, values, drop_intermediate=False)  # cuts decrease from infinity
    gains = (true - false)[-2:0:-1]  # for cuts with values on both sides, lowest cut first
    if not len(gains):
        return float(cuts[-1])  # all values are equal
    best = len(gains) - int(np.argmax(gains))
    return float(cuts[best] + cuts[best + 1]) / 2


def _correlation(measure: Callable[[np.ndarray, np.ndarray], Any], values: np.ndarray, target: np.ndarray) -> float:
    """Returns the correlation by `measure`, or 0 for a constant unit, whose correlation is undefined."""
    return float(measure(values, target).statistic) if _varies(values) else 0.0
