"""Relative lengths of texts: of translations to their sources, of outputs to their references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seq2seq_tf.text.lines import Pair

_SLACK = 12  # characters added to both sides, so that "OK" and "Einverstanden" are not outliers


def character_ratio(pairs: Iterable[Pair]) -> float:
    """Returns characters of all targets / characters of all sources (1.0 if a side is empty)."""
    source_total = target_total = 0
    for source, target in pairs:
        source_total += len(source)
        target_total += len(target)
    return target_total / source_total if source_total and target_total else 1.0


def length_deviation(source_length: int, target_length: int, ratio: float) -> float:
    """Returns how many times longer or shorter a target is than `ratio` times its source."""
    deviation = (target_length + _SLACK) / (source_length * ratio + _SLACK)
    return max(deviation, 1.0 / deviation)


def length_ratio(outputs: Sequence[str], references: Sequence[str]) -> float:
    """Returns characters of all outputs / characters of all references (1.0 if the references are empty)."""
    wanted = sum(map(len, references))
    return sum(map(len, outputs)) / wanted if wanted else 1.0
