"""Distinguishes the languages of two sides without knowing either: for each pair, which text is in which language.

Up to half of the pairs may be swapped; both sides are then the same mixture, and neither teaches a model of its
language. But within each pair, one text is in one language and one in the other. The difference of their character
n-gram counts points one way for a pair that is the right way round and the opposite way for a swapped one. The first
principal direction (not centred) of these differences separates the pairs, and two naive Bayes models of the languages,
each half of the pairs judged by models of the other half, refine the separation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from seq2seq_tf.text.lines import Pair

_BITS = 15
_ROUNDS = 4
_MIN_PAIRS = 50
_MIN_SEPARATION = 1.2  # log-odds per character: English and German 1.5 (50 pairs) to 3.7, one language below 0.9
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)


class SideContrast:
    """Models of two languages, A (that of the sources in most pairs) and B, learned from the pairs only.

    Attributes:
      separation: upper quartile over the pairs of the log-odds per character by which their texts differ (the upper
        one, since up to half of the pairs may have both texts in one language).
      clear: whether the two sides are in two distinguishable languages.
      swapped: [pairs] bool: which of the training pairs are the other way round.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.separation = 0.0
        self.swapped = np.zeros(len(pairs), bool)
        self._weights = np.zeros(1 << _BITS)
        if len(pairs) >= _MIN_PAIRS:
            self._learn(pairs)

    @property
    def clear(self) -> bool:
        """Whether the two sides are in two distinguishable languages."""
        return self.separation >= _MIN_SEPARATION

    def exchange(self) -> None:
        """Exchanges the languages A and B."""
        self._weights, self.swapped = -self._weights, ~self.swapped

    def log_odds(self, texts: Sequence[str]) -> np.ndarray:
        """Returns [texts] log-odds that a text is in language A rather than B."""
        line, group = _letter_groups(texts)
        return np.bincount(line, self._weights[group], minlength=len(texts))

    def _learn(self, pairs: Sequence[Pair]) -> None:
        sources, targets = (_counts([pair[side] for pair in pairs]) for side in (0, 1))
        sign = _first_direction(sources - targets)  # [pairs] of 1 and -1
        halves = np.random.default_rng(2).permutation(len(pairs)) % 2 == 0
        odds = np.zeros(len(pairs))
        for _ in range(_ROUNDS):
            for own, other in ((halves, ~halves), (~halves, halves)):
                weights = _log_ratio(sources[own], targets[own], sign[own])
                odds[other] = (sources[other] - targets[other]) @ weights
                sign[other] = np.where(odds[other] < 0, -1.0, 1.0)
        lengths = np.array([len(source) + len(target) for source, target in pairs])
        self.separation = float(np.quantile(np.abs(odds) / lengths, 0.75))
        self._weights = _purified(sources, targets, _log_ratio(sources, targets, sign))
        self.swapped = sign < 0
        if self.swapped.mean() > 0.5:
            self.exchange()


def _letter_groups(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each n-gram of one to three characters the index of its text and its hash (below 2**_BITS)."""
    joined = "".join(f" {text.casefold()} \n".replace("\r", " ") for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    ends = codes == ord("\n")
    number = np.cumsum(ends) - ends
    lines, hashes = [], []
    for length in (1, 2, 3):
        last = len(codes) - length + 1
        mixed = np.full(last, length, np.uint64)
        crosses = np.zeros(last, bool)
        for place in range(length):
            mixed ^= codes[place : last + place] * _MULTIPLIERS[place]
            crosses |= ends[place : last + place]
        mixed = (mixed * _MULTIPLIERS[1]) >> np.uint64(64 - _BITS)
        lines.append(number[:last][~crosses])
        hashes.append(mixed[~crosses].astype(np.int64))
    return np.concatenate(lines), np.concatenate(hashes)


def _counts(texts: Sequence[str]) -> scipy.sparse.csr_array:
    """Returns [texts, n-grams] counts."""
    line, group = _letter_groups(texts)
    ones = np.ones(len(line), np.float32)
    counts = scipy.sparse.csr_array((ones, (line, group)), shape=(len(texts), 1 << _BITS))
    counts.sum_duplicates()
    return counts


def _first_direction(differences: scipy.sparse.csr_array) -> np.ndarray:
    """Returns [pairs] the sign of each row, scaled to unit length, along the first right singular vector."""
    length = np.sqrt(np.asarray(differences.multiply(differences).sum(axis=1)).ravel())
    if not length.any():  # the sides differ only in case
        return np.ones(len(length))
    rows = scipy.sparse.diags_array(1.0 / np.maximum(length, 1e-6)) @ differences
    start = np.random.default_rng(1).standard_normal(min(rows.shape))
    along, _, _ = scipy.sparse.linalg.svds(rows, k=1, v0=start)  # [pairs, 1]
    return np.where(along[:, 0] < 0, -1.0, 1.0)


def _log_ratio(sources: scipy.sparse.csr_array, targets: scipy.sparse.csr_array, sign: np.ndarray) -> np.ndarray:
    """Returns [n-grams] log ratio of the probabilities in languages A and B; sign -1 marks swapped pairs."""
    return _log_ratio_of(scipy.sparse.vstack([sources, targets]), np.concatenate([sign, -sign]))


def _log_ratio_of(texts: scipy.sparse.csr_array, sign: np.ndarray) -> np.ndarray:
    of_a, of_b = texts[sign > 0].sum(axis=0) + 0.5, texts[sign < 0].sum(axis=0) + 0.5
    return np.log(of_a / of_a.sum()) - np.log(of_b / of_b.sum())


def _purified(sources: scipy.sparse.csr_array, targets: scipy.sparse.csr_array, weights: np.ndarray) -> np.ndarray:
    """Retrains on single texts: a pair with both texts in one language has contaminated the model of the other."""
    texts = scipy.sparse.vstack([sources, targets], format="csr")
    for _ in range(_ROUNDS):
        weights = _log_ratio_of(texts, np.sign(texts @ weights))
    return weights
