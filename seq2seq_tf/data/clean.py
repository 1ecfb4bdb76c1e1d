"""Which sentence pairs are worth training on: a filter that counts what it refuses, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from seq2seq_tf.data.pairs import Pair, normalised, text_hash
from seq2seq_tf.data.sentences import count_words
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.scripts import is_visible

_SLACK = 12  # characters added to both sides: "OK" and "Einverstanden" are no outliers


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


class PairFilter:
    """Accepts or refuses pairs, one after the other; `refused` counts the reasons."""

    def __init__(self, *, ratio: float, max_words: int, max_deviation: float) -> None:
        """Makes a filter.

        Args:
          ratio: the corpus' `character_ratio`.
          max_words: pairs with a longer side are refused; 0 for no limit.
          max_deviation: pairs with a greater `length_deviation` are refused; 0 for no limit.

        Raises:
          InputError: a limit under which no pair would be left.
        """
        if 0 < max_deviation < 1:
            raise InputError(f"the greatest length ratio must be at least 1 (or 0: none), got {max_deviation}")
        self.ratio = ratio
        self.max_words = max_words or math.inf
        self.max_deviation = max_deviation or math.inf
        self.kept = 0
        self.refused: Counter[str] = Counter()
        self._seen: set[int] = set()

    def accepts(self, source: str, target: str) -> bool:
        """Says whether to keep the pair, and counts it; exact repetitions are refused."""
        reason = self._objection(source, target)
        if reason:
            self.refused[reason] += 1
            return False
        self.kept += 1
        return True

    def _objection(self, source: str, target: str) -> str:
        if not is_visible(source) or not is_visible(target):
            return "a side is empty"
        if not (any(map(str.isalpha, source)) and any(map(str.isalpha, target))):
            return "a side has no letters"
        if normalised(source).replace(" ", "") == normalised(target).replace(" ", ""):
            return "both sides are the same"
        if max(count_words(source), count_words(target)) > self.max_words:
            return f"longer than {self.max_words} words"
        if length_deviation(len(source), len(target), self.ratio) > self.max_deviation:
            return f"lengths differ by more than {self.max_deviation:g} times"
        key = text_hash(f"{source}\n{target}")
        if key in self._seen:
            return "pair occurred before"
        self._seen.add(key)
        return ""
