"""Scripts of texts, from the Unicode character database (as shipped by fontTools).

Scripts are given as ISO 15924 codes: Latn, Cyrl, Hani (Chinese characters), Hira and Kana (Japanese), Hang
(Korean), Arab, Thai... Characters that all scripts share (digits, punctuation, spaces) are Zyyy, combining marks Zinh.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Iterable

from fontTools import unicodedata

SHARED = ("Zyyy", "Zinh", "Zzzz")  # common, inherited, unassigned: no evidence of the script of a text
WITHOUT_SPACES = frozenset(("Hani", "Hira", "Kana", "Bopo", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"))


@functools.lru_cache(maxsize=1 << 16)
def script_of(character: str) -> str:
    """Returns the ISO 15924 code of the script of a character."""
    return unicodedata.script(character)


@functools.lru_cache(maxsize=1 << 16)
def is_unspaced(character: str) -> bool:
    """Returns whether a character is a letter or mark of a script that does not put spaces between words."""
    if script_of(character) in WITHOUT_SPACES:
        return True
    # The Japanese long vowel mark and a few other letters are shared by several such scripts.
    return character.isalpha() and not WITHOUT_SPACES.isdisjoint(unicodedata.script_extension(character))


def is_visible(text: str) -> bool:
    """Returns whether a text has any character but white space, controls and format characters (such as U+200B)."""
    return any(map(_is_visible, text))


@functools.lru_cache(maxsize=1 << 16)
def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] != "Z" and category not in ("Cc", "Cf")


def is_right_to_left(script: str) -> bool:
    """Returns whether a script is written from right to left (Arab, Hebr, ...)."""
    return unicodedata.script_horizontal_direction(script) == "RTL"


def count_scripts(texts: Iterable[str]) -> collections.Counter[str]:
    """Returns script -> number of characters in the texts, ignoring those that all scripts share."""
    counts: collections.Counter[str] = collections.Counter()
    for text in texts:
        counts.update(map(script_of, text))
    for shared in SHARED:
        del counts[shared]
    return counts


def main_script(texts: Iterable[str]) -> str:
    """Returns the most frequent script, or "Zyyy" if no character belongs to one."""
    counts = count_scripts(texts)
    return max(counts, key=lambda script: (counts[script], script)) if counts else "Zyyy"
