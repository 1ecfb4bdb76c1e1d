"""Splitting a corpus into train, valid and test parts that share no sentence."""

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
    """Splits pairs so that no normalised sentence occurs in two parts, on either side.

    Pairs that share a normalised sentence (source or target) are connected; a connected component is never divided.
    Components are sorted by size, then by a hash of the seed and their sentences, and assigned whole: first to test,
    then to valid, as long as they fit; the rest is train. Held-out pairs are thus, if there are enough, those whose
    sentences occur nowhere else. The choice does not depend on the order of the input, and the test set does not
    depend on `valid`. Only hashes are kept in memory: about 100 bytes per pair.

    Args:
      pairs: iterated over once.
      valid: number of pairs in valid.
      test: number of pairs in test.
      seed: determines the choice among components of equal size.
      suitable: returns whether a pair may be held out; a component with an unsuitable pair stays in train.

    Raises:
      InputError: `valid` or `test` is negative, not enough pairs can be held out, or none would be left for training.
    """
    hashes = np.fromiter(
        (value for s, t in pairs for value in (sentence_key(s), sentence_key(t), suitable(s, t))), np.uint64
    ).reshape(-1, 3)
    if min(valid, test) < 0:
        raise InputError(f"valid and test must not be negative, got {valid} and {test}")
    if len(hashes) <= valid + test:
        raise InputError(f"{len(hashes)} pairs are too few for {valid} in valid, {test} in test and some in train")
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
    """Chooses components with `wanted` pairs in total: small ones first or, if they do not add up, large ones first.

    Raises:
      InputError: neither order adds up.
    """
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
        f"only {most} of the {wanted} pairs requested for {name} can be held out: "
        "too few are suitable and share no sentence with others"
    )


def _components(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the connected component [N] of each pair of hashes [N, 2], and the least hash in each component [C]."""
    unique, ids = np.unique(keys, return_inverse=True)
    left, right = ids.reshape(-1, 2).T
    edges = scipy.sparse.coo_array((np.ones(len(left), bool), (left, right)), shape=(len(unique),) * 2)
    count, component = scipy.sparse.csgraph.connected_components(edges, directed=False)
    least = np.full(count, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, component, unique)
    return component[left], least


def _scramble(values: np.ndarray) -> np.ndarray:
    """Applies the finaliser of SplitMix64: similar inputs get unrelated outputs."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
