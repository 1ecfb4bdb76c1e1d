"""The small language of the scenes: its grammar, its words, and the scoring of captions.

One digit:       a five at the top left
Several digits:  a seven above a three and to the left of a nine

The larger digit is the subject and comes first. The others follow in reading order: above, left, right, below. So every
scene has exactly one right caption.
"""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import NamedTuple

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Position of the subject relative to another digit; the other digits are named in this order.
RELATIONS = {"below": "below", "right": "to the right of", "left": "to the left of", "above": "above"}

# (row, column), each first, middle or last, in reading order.
PLACES = (
    ("at the top left", "at the top", "at the top right"),
    ("on the left", "in the middle", "on the right"),
    ("at the bottom left", "at the bottom", "at the bottom right"),
)
_BLANK = "#"


def place_caption(digit: int, row: int, column: int) -> str:
    """Returns the caption of a scene with one digit; row and column are 0, 1 or 2."""
    return f"{_named(digit)} {PLACES[row][column]}"


def relation_caption(digit: int, others: dict[str, int]) -> str:
    """Returns the caption of a scene with several digits.

    Args:
      digit: the subject.
      others: relation of the subject to another digit (a key of RELATIONS) -> that digit.
    """
    phrases = [f"{text} {_named(others[name])}" for name, text in RELATIONS.items() if name in others]
    return f"{_named(digit)} {' and '.join(phrases)}"


def _named(digit: int) -> str:
    return f"{'an' if DIGITS[digit] == 'eight' else 'a'} {DIGITS[digit]}"


def all_words() -> list[str]:
    """Returns every word of the language, sorted."""
    phrases = [*DIGITS, *RELATIONS.values(), *(text for row in PLACES for text in row), "a", "an", "and"]
    return sorted({word for phrase in phrases for word in phrase.split()})


def digits_of(caption: str) -> list[str]:
    """Returns the names of digits in a caption, in order."""
    return [word for word in caption.split() if word in DIGITS]


def layout_of(caption: str) -> str:
    """Returns the caption with digits and their articles blanked: it tells where the digits are, but not which."""
    return " ".join(_BLANK if word in (*DIGITS, "a", "an") else word for word in caption.split())


def relations_of(caption: str) -> list[str]:
    """Returns the relations in a caption; none for a single digit."""
    return [name for name, text in RELATIONS.items() if f" {text} a" in caption]


class Tally(NamedTuple):
    """The number of right items among all."""

    right: int
    all: int

    @property
    def share(self) -> float:
        """Share of right items, 0 to 1."""
        return self.right / max(self.all, 1)


class CaptionScores(NamedTuple):
    """Scores of captions."""

    exact: Tally  # whole captions, word for word
    digit_names: Tally  # digits of the references for which the nth digit of the caption is the same
    layouts: Tally  # captions that are right if the names of digits are ignored
    by_digits: dict[int, Tally]  # number of digits in the scene -> exact
    by_relation: dict[str, Tally]  # relation named in the reference -> exact


def score_captions(captions: Sequence[str], references: Sequence[str]) -> CaptionScores:
    """Compares captions with the right ones.

    Raises:
      ValueError: lists of different lengths.
    """
    exact: list[bool] = []
    names: list[bool] = []
    layouts: list[bool] = []
    by_digits: dict[int, list[bool]] = collections.defaultdict(list)
    by_relation: dict[str, list[bool]] = collections.defaultdict(list)
    for caption, reference in zip(captions, references, strict=True):
        same = caption == reference
        exact.append(same)
        layouts.append(layout_of(caption) == layout_of(reference))
        wanted, found = digits_of(reference), digits_of(caption)
        names += [found[n : n + 1] == [digit] for n, digit in enumerate(wanted)]
        by_digits[len(wanted)].append(same)
        for relation in relations_of(reference):
            by_relation[relation].append(same)
    return CaptionScores(
        exact=_tally(exact),
        digit_names=_tally(names),
        layouts=_tally(layouts),
        by_digits={number: _tally(by_digits[number]) for number in sorted(by_digits)},
        by_relation={name: _tally(by_relation[name]) for name in RELATIONS if name in by_relation},
    )


def _tally(right: list[bool]) -> Tally:
    return Tally(sum(right), len(right))
