"""Counted n-grams with interpolated Kneser-Ney smoothing, for contexts of every length at once.

With modified discounts (Chen and Goodman 1998, section 4.1): for a context h = (w_1, ..., w_(n-1)), n >= 1,

    p(w | h) = (c(h w) - D(c(h w))) / c(h .)  +  r(h) p(w | w_2, ..., w_(n-1))
    r(h) = (sum over w of D(c(h w))) / c(h .)

where the first term is 0 if h w was never seen, and r(h) = 1 if h was never seen. Below the empty context is the
uniform distribution. c counts occurrences at the longest context and N1+(. h w), the number of different tokens seen
before h w, at shorter ones; what begins a file has no token before it and keeps its occurrences, as in KenLM (Heafield
2013). The n-grams of each length are sorted arrays: node i of length n is the n-gram whose key is (node of its first
n - 1 tokens) * V + (its last token).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seq2seq_tf.structures import BOS_ID

_FALLBACK = (0.5, 1.0, 1.5)  # KenLM's --discount_fallback, where the counts are too few to estimate discounts


class Smoothed(NamedTuple):
    """The two terms of p(w | h) for the n-grams of one length."""

    share: np.ndarray  # [M] discounted relative frequency of each n-gram h w
    rest: np.ndarray  # [contexts] r(h), what is left for the shorter context


class Length(NamedTuple):
    """All n-grams of one length."""

    keys: np.ndarray  # [M] int64, ascending
    longest: Smoothed  # from occurrences: for contexts that end here
    shorter: Smoothed  # from different tokens before: for continuing a longer context


class KneserNey:
    """The probability of a token after each number of tokens of context, from 0 to `order` - 1.

    Args:
      ids: [N], files one after the other, each beginning with BOS; as a prediction, BOS is the end of a file.
      vocab_size: V; the uniform distribution is over all of them.
      order: length of the longest n-grams.
    """

    def __init__(self, ids: np.ndarray, vocab_size: int, order: int) -> None:
        self.vocab_size = vocab_size
        self.order = order
        tokens = np.append(ids, BOS_ID).astype(np.int64)  # the end of the last file
        self.lengths = _count(tokens, vocab_size, order)

    @property
    def ngrams(self) -> int:
        """Number of different n-grams of all lengths."""
        return sum(len(length.keys) for length in self.lengths)

    def nats(self, ids: np.ndarray) -> np.ndarray:
        """Returns -log p of each token of a file but its first, after 0, 1, ... tokens of context, [order, T].

        Args:
          ids: [T + 1], beginning with BOS.
        """
        tokens = np.asarray(ids, np.int64)
        below = np.full(len(tokens) - 1, 1.0 / self.vocab_size)  # p(w | shorter context)
        context = np.zeros(len(tokens) - 1, np.int64)  # node of the tokens before each; the empty context is node 0
        first = np.searchsorted(self.lengths[0].keys, tokens[:1])  # BOS, a context of one token
        found = []
        for length in self.lengths:
            node = _find(length.keys, context * self.vocab_size + tokens[1:], context >= 0)
            found.append(-np.log(_interpolated(length.longest, node, context, below)))
            below = _interpolated(length.shorter, node, context, below)
            context, first = np.concatenate([first, node[:-1]]), np.array([-1])
        return np.stack([*found, *[found[-1]] * (self.order - len(found))])


def _interpolated(smoothed: Smoothed, node: np.ndarray, context: np.ndarray, below: np.ndarray) -> np.ndarray:
    share = np.where(node >= 0, smoothed.share[node], 0.0)
    return share + np.where(context >= 0, smoothed.rest[context], 1.0) * below


def _find(keys: np.ndarray, wanted: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """Returns the index of each wanted key, or -1 where there is none or it is not possible."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(possible & (keys[places] == wanted), places, -1)


def _count(tokens: np.ndarray, vocab_size: int, order: int) -> list[Length]:
    """Returns the n-grams of lengths 1 to `order`, or to the longest that exist. tokens: [N + 1], from BOS to BOS.

    No n-gram crosses from one file to the next: BOS is its first token, its last, or both.
    """
    found = []
    keys, node, occurrences = _distinct(tokens, tokens >= 0)
    occurrences[node[0]] -= 1  # nothing predicts the beginning of the first file
    contexts, parents, opens = 1, np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    opens_next = keys == BOS_ID  # which of the nodes begin a file, as the first tokens of longer ones
    for length in range(1, order + 1):
        # The n-grams that are one token longer: their nodes show which tokens come before these.
        before = np.append(-1, node[:-1])
        possible = (before >= 0) & (np.append(-1, tokens[:-1]) != BOS_ID) if length > 1 else before >= 0
        longer_keys, longer, longer_occurrences = _distinct(before * vocab_size + tokens, possible)
        suffix = np.zeros(len(longer_keys), np.int64)
        suffix[longer[longer >= 0]] = node[longer >= 0]
        preceded = np.bincount(suffix, minlength=len(keys))
        different = np.where(opens, occurrences, preceded)
        found.append(Length(keys, _smoothed(occurrences, parents, contexts), _smoothed(different, parents, contexts)))
        if not len(longer_keys):
            break  # no file is that long
        contexts, parents = len(keys), longer_keys // vocab_size
        opens = opens_next = opens_next[parents]
        keys, node, occurrences = longer_keys, longer, longer_occurrences
    return found


def _distinct(keys: np.ndarray, possible: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the different possible keys, ascending, the index of each key among them or -1, and their occurrences."""
    different, inverse, counts = np.unique(keys[possible], return_inverse=True, return_counts=True)
    node = np.full(len(keys), -1, np.int64)
    node[possible] = inverse
    return different, node, counts


def _smoothed(counts: np.ndarray, parents: np.ndarray, contexts: int) -> Smoothed:
    """Returns the terms for n-grams with these counts [M], whose contexts are `parents` [M] of so many contexts."""
    discounts = np.array([0.0, *_discounts(counts)])[np.minimum(counts, 3)]  # [M]
    totals = np.bincount(parents, counts, contexts)
    rest = np.bincount(parents, discounts, contexts) / np.maximum(totals, 1)
    return Smoothed((counts - discounts) / np.maximum(totals[parents], 1), np.where(totals > 0, rest, 1.0))


def _discounts(counts: np.ndarray) -> tuple[float, float, float]:
    """Returns the discounts of counts of 1, 2, and 3 or more (Chen and Goodman 1998, equation 26)."""
    n1, n2, n3, n4 = (int((counts == count).sum()) for count in range(1, 5))
    if not min(n1, n2, n3, n4):
        return _FALLBACK
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    if not all(0 < discount <= count for count, discount in enumerate(found, start=1)):
        return _FALLBACK
    return found
