"""Kneser-Ney smoothing equals its definition, written with dictionaries; its probabilities add up to one."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest

from seq2seq_tf.structures import BOS_ID
from seq2seq_tf.tasks.language_model.kneser_ney import KneserNey

V = 11
Gram = tuple[int, ...]


def draw_files(rng: np.random.Generator, *, files: int = 7, longest: int = 60) -> list[list[int]]:
    """Returns files of unevenly distributed tokens, so that there are counts of 1, 2, 3, 4 and more."""
    shares = 0.5 ** np.arange(V - 4)
    lengths = [0, *rng.integers(1, longest, files - 1)]  # an empty file, too
    return [[BOS_ID, *rng.choice(np.arange(4, V), size, p=shares / shares.sum()).tolist()] for size in lengths]


def stream(files: Sequence[Sequence[int]]) -> np.ndarray:
    return np.array([token for file in files for token in file], np.uint16)


class Definition:
    """Chen and Goodman (1998), word for word."""

    def __init__(self, files: Sequence[Sequence[int]], order: int) -> None:
        self.grams: dict[int, Counter[Gram]] = {}
        for n in range(1, order + 2):
            found: list[Gram] = []
            for file in files:
                whole = (*file, BOS_ID)
                found += [tuple(whole[t : t + n]) for t in range(len(whole) - n + 1) if n > 1 or t]
            self.grams[n] = Counter(found)

    def counts(self, n: int, longest: bool) -> dict[Gram, int]:
        """Returns occurrences, or for shorter contexts the number of different tokens before each n-gram."""
        if longest:
            return dict(self.grams[n])
        before = defaultdict(set)
        for gram in self.grams[n + 1]:
            before[gram[1:]].add(gram[0])
        begins_file = n > 1
        return {
            gram: count if begins_file and gram[0] == BOS_ID else len(before[gram])
            for gram, count in self.grams[n].items()
        }

    def probability(self, context: Gram, token: int, longest: bool = True) -> float:
        n = len(context) + 1
        below = self.probability(context[1:], token, False) if context else 1.0 / V
        counts = self.counts(n, longest)
        sizes = Counter(counts.values())
        discount = {0: 0.0, 1: 0.5, 2: 1.0, 3: 1.5}
        if all(sizes[i] for i in (1, 2, 3, 4)):
            y = sizes[1] / (sizes[1] + 2 * sizes[2])
            estimated = {i: i - (i + 1) * y * sizes[i + 1] / sizes[i] for i in (1, 2, 3)}
            if all(0 < d <= i for i, d in estimated.items()):
                discount |= estimated
        followers = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == context}
        total = sum(followers.values())
        if not total:
            return below
        count = followers.get(token, 0)
        rest = sum(discount[min(c, 3)] for c in followers.values()) / total
        return (count - discount[min(count, 3)]) / total + rest * below


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_are_those_of_the_definition(rng: np.random.Generator, order: int) -> None:
    files = draw_files(rng)
    model, definition = KneserNey(stream(files), V, order), Definition(files, order)
    text = [BOS_ID, *rng.integers(3, V, 29).tolist(), BOS_ID]  # with tokens and contexts that were never seen
    found = model.nats(np.array(text))
    assert found.shape == (order, 30)
    for k in range(order):
        for t in range(1, len(text)):
            context = tuple(text[max(t - k, 0) : t])
            if k <= t:
                expected = definition.probability(context, text[t])
            else:  # fewer tokens are left of this one: what a longer context falls back to
                expected = definition.probability(context, text[t], longest=False)
            assert found[k, t - 1] == pytest.approx(-math.log(expected), rel=1e-9), (k, t)


def test_the_probabilities_of_all_tokens_after_a_context_add_up_to_one(rng: np.random.Generator) -> None:
    files = draw_files(rng, longest=200)
    model = KneserNey(stream(files), V, 5)
    for context in ([], [4], [5, 4, 4], [9, 9, 3, 5], files[3][1:9], rng.integers(3, V, 13).tolist()):
        after = np.stack([model.nats(np.array([BOS_ID, *context, token]))[:, -1] for token in range(V)])
        np.testing.assert_allclose(np.exp(-after).sum(0), 1.0, rtol=1e-12)


def test_what_was_seen_is_more_probable_the_longer_the_context(rng: np.random.Generator) -> None:
    word = rng.permutation(np.arange(4, V)).tolist()
    model = KneserNey(np.array([BOS_ID, *word * 50]), V, 4)
    nats = model.nats(np.array([BOS_ID, *word * 3]))
    assert nats[0].mean() == pytest.approx(math.log(len(word)), rel=0.1)
    assert (nats[1:, len(word) :] < 0.05).all()


def test_contexts_longer_than_any_file_change_nothing() -> None:
    ids = np.array([BOS_ID, 4, 5, BOS_ID, 5])
    found = KneserNey(ids, V, 9).nats(np.array([BOS_ID, 4, 5, BOS_ID]))
    assert found.shape == (9, 3)
    np.testing.assert_array_equal(found[4:], found[3:-1])
    assert np.isfinite(found).all()


def test_the_order_of_the_files_does_not_matter(rng: np.random.Generator) -> None:
    files = draw_files(rng)
    text = np.array([BOS_ID, *rng.integers(4, V, 31), BOS_ID])
    one, other = (KneserNey(stream(order), V, 4).nats(text) for order in (files, files[::-1]))
    np.testing.assert_allclose(one, other, rtol=1e-12)
