"""Detection of held-out sentences that also occur in another part, so that a score would measure memorisation."""

from __future__ import annotations

from array import array
from typing import Protocol

from seq2seq_tf.corpora.findings import Finding, Findings, Place
from seq2seq_tf.corpora.part_text import Part

_REMEDY = "split the corpus again: no sentence that seq2seq-data split holds out occurs in train"


class Keys(Protocol):
    """The required data of a part: for each pair, its line number and the hashes of its two normalised sentences."""

    part: Part
    numbers: array[int]
    keys: tuple[array[int], array[int]]


def find_leaks(earlier: Keys, later: Keys) -> list[Finding]:
    """Returns the pairs of `later` that also occur in `earlier`: as a pair (an error), or one side (a warning)."""
    positions: list[dict[int, int]] = []  # positions in `earlier` of the sentences of `later`, for each side
    for earlier_keys, later_keys in zip(earlier.keys, later.keys, strict=True):
        sought = set(later_keys)
        hits = [(key, index) for index, key in enumerate(earlier_keys) if key in sought]
        positions.append(dict(reversed(hits)))  # the first position of each
    both = set(zip(*later.keys, strict=True)).intersection(zip(*earlier.keys, strict=True))
    found = Findings(later.part.name)
    for index, pair in enumerate(zip(*later.keys, strict=True)):
        side = 0 if pair[0] in positions[0] else 1 if pair[1] in positions[1] else None
        if side is not None:
            whole = pair in both
            known = earlier.numbers[positions[side][pair[side]]]
            note = f"= {earlier.part[1 + side]}:{known}"
            place = Place(str(later.part[1 + side]), later.numbers[index], note)
            check = f"{'pair' if whole else 'one side'} also occurs in {earlier.part.name}"
            found.report("error" if whole else "warning", check, place, _REMEDY)
    return found.listed()
