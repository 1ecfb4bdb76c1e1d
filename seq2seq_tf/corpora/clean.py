"""A filter for sentence pairs worth training on, which counts its refusals by reason."""

from __future__ import annotations

import math
from collections import Counter

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lengths import length_deviation
from seq2seq_tf.text.lines import normalised, text_hash
from seq2seq_tf.text.scripts import is_visible
from seq2seq_tf.text.sentences import count_words


class PairFilter:
    """Accepts or refuses pairs one after another; `refused` counts the refusals by reason."""

    def __init__(self, *, ratio: float, max_words: int, max_deviation: float) -> None:
        """Creates a filter.

        Args:
          ratio: the `character_ratio` of the corpus.
          max_words: pairs with a longer side are refused; 0 for no limit.
          max_deviation: pairs with a greater `length_deviation` are refused; 0 for no limit.

        Raises:
          InputError: `max_deviation` is between 0 and 1, so that no pair would be left.
        """
        if 0 < max_deviation < 1:
            raise InputError(f"the maximum length ratio must be at least 1 (or 0 for no limit), got {max_deviation}")
        self.ratio = ratio
        self.max_words = max_words or math.inf
        self.max_deviation = max_deviation or math.inf
        self.kept = 0
        self.refused: Counter[str] = Counter()
        self._seen: set[int] = set()

    def accepts(self, source: str, target: str) -> bool:
        """Returns whether to keep the pair, and counts it; exact duplicates are refused."""
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
            return f"lengths differ by more than a factor of {self.max_deviation:g}"
        key = text_hash(f"{source}\n{target}")
        if key in self._seen:
            return "duplicate pair"
        self._seen.add(key)
        return ""
