"""Train, valid and test parts of a corpus that share no sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import scipy.sparse

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import Pair, sentence_key


class Split(NamedTuple):
    """Indices [n] int64 into the pairs that were split, each part in the order of the input."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def split_pairs(
    pairs: Iterable[Pair],
    *,
    valid: int,
    test: int,
    seed: int,
    suitable: Callable[[str, str], bool] = lambda source, target: True,
) -> Split:
    """Splits pairs so that no normalised sentence stands in two parts, on whichever side.

    Pairs that share a normalised sentence (source or target) are connected; a connected component is never
    divided. Components are sorted by size, then by a hash of (seed, the sentences in it), and taken whole:
    first for test, then for valid, those that still fit; the rest is train. So held-out pairs are, as far as
    there are enough, those whose sentences occur nowhere else; the choice does not depend on the order of the
    input, and the test set not on `valid`. Only hashes are kept: about 100 bytes for a pair.

    Args:
      pairs: read once.
      valid: pairs wanted in valid.
      test: pairs wanted in test.
      seed: another seed chooses other pairs.
      suitable: pairs it refuses, and components that hold one, stay in train.

    Raises:
      InputError: not enough pairs can be held out, or none would be left for training.
    """
    hashes = np.fromiter(
        (value for s, t in pairs for value in (sentence_key(s), sentence_key(t), suitable(s, t))), np.uint64
    ).reshape(-1, 3)
    if min(valid, test) < 0:
        raise InputError(f"valid and test must not be negative, got {valid} and {test}")
    if len(hashes) <= valid + test:
        raise InputError(f"{len(hashes)} pairs cannot give {valid} for valid, {test} for test and some for train")
    component, first_key = _components(hashes[:, :2])  # [N], [C]
    sizes = np.bincount(component)  # [C]
    good = np.bincount(component, weights=hashes[:, 2].astype(np.float64)) == sizes
    ranks = _scramble(first_key ^ _scramble(np.array([seed % 2**64], np.uint64)))
    order = np.lexsort((ranks, sizes))
    part = np.zeros(len(sizes), np.int8)  # 0 train, 1 valid, 2 test
    for label, name, wanted in ((2, "test", test), (1, "valid", valid)):
        free = order[good[order] & (part[order] == 0)]
        part[_fill(free, sizes, wanted, name)] = label
    of_pair = part[component]
    return Split(*(np.flatnonzero(of_pair == label) for label in (0, 1, 2)))


def _fill(free: np.ndarray, sizes: np.ndarray, wanted: int, name: str) -> list[int]:
    """Chooses components of `wanted` pairs together: small ones first or, if they do not add up, last."""
    most = 0
    for order in (free, free[::-1]):
        chosen: list[int] = []
        left = wanted
        for index in order:
            if not left:
                break
            if sizes[index] <= left:
                chosen.append(int(index))
                left -= int(sizes[index])
        if not left:
            return chosen
        most = max(most, wanted - left)
    raise InputError(
        f"only {most} of the {wanted} pairs wanted for {name} can be held out: "
        "too few are suitable and share no sentence with others"
    )


def _components(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected components of pairs of hashes [N, 2]: that of each pair [N], the least hash in each [C]."""
    unique, ids = np.unique(keys, return_inverse=True)
    left, right = ids.reshape(-1, 2).T
    edges = scipy.sparse.coo_array((np.ones(len(left), bool), (left, right)), shape=(len(unique),) * 2)
    count, component = scipy.sparse.csgraph.connected_components(edges, directed=False)
    least = np.full(count, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, component, unique)
    return component[left], least


def _scramble(values: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64: near inputs get unrelated outputs."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
