"""Case and punctuation of words as labels: removed from a text and restored.

A label combines a case with the mark after the word: `lower`, `Title,`, `UPPER.`, `mixed?`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

MARKS = (",", ".", "?", ":", ";", "!")
CASES = ("lower", "Title", "UPPER", "mixed")
LABELS = tuple(case + mark for case in CASES for mark in ("", *MARKS))
MIXED = frozenset(label for label in LABELS if label.startswith("mixed"))


class Word(NamedTuple):
    """Characters between two spaces: `before + core + after`."""

    before: str  # quotes, brackets
    core: str  # from the first to the last letter or digit; empty if there is none
    after: str  # marks, quotes, brackets


def split_words(text: str) -> list[Word]:
    """Returns the words of a text, separated by white space.

    A mark separated by a space, as in French, belongs to the preceding word: `Vraiment ?` is one word.
    """
    words: list[Word] = []
    for run in text.split():
        inner = [n for n, character in enumerate(run) if not _is_outside(character)]
        if inner:
            words.append(Word(run[: inner[0]], run[inner[0] : inner[-1] + 1], run[inner[-1] + 1 :]))
        elif words and run[0] in MARKS:
            words[-1] = words[-1]._replace(after=f"{words[-1].after} {run}")
        else:
            words.append(Word(run, "", ""))
    return words


def _is_outside(character: str) -> bool:
    """Returns whether a character at the edge of a word is not part of its core: punctuation, a symbol or a control."""
    return unicodedata.category(character)[0] in "PSCZ"


def split_label(label: str) -> tuple[str, str]:
    """Returns case and mark of a label: ("Title", ",") for `Title,`."""
    return (label[:-1], label[-1]) if label[-1:] in MARKS else (label, "")


def label_of(word: Word) -> str:
    """Returns the label with which `restored` recovers case and first mark of this word from its lower-cased core."""
    return case_of(word.core) + next((c for c in word.after if c in MARKS), "")


def case_of(core: str) -> str:
    """Returns the case with which `in_case` recovers this text from its lower-cased form, or `mixed` if none does."""
    lower = core.lower()
    return next((case for case in CASES[:-1] if in_case(lower, case) == core), "mixed")


def in_case(lower: str, case: str) -> str:
    """Returns a lower-cased word in a case, which must not be mixed."""
    if case == "UPPER":
        return lower.upper()
    if case == "Title":
        return lower[:1].upper() + lower[1:]
    return lower


def restored(word: Word, label: str, mixed: Mapping[str, str]) -> str:
    """Returns a word with the case and mark of a label.

    Nothing is removed: a word that has capitals keeps its case, and one that has a mark keeps that mark.

    Args:
      word: must have a core.
      label: one of `LABELS`.
      mixed: lower-cased word -> its form, for labels of mixed case; a word not in it stays unchanged.
    """
    case, mark = split_label(label)
    core = word.core
    if core == core.lower():
        core = mixed.get(core, core) if case == "mixed" else in_case(core, case)
    if any(c in MARKS for c in word.after):
        mark = ""
    return word.before + core + word.after + mark


class WordForms(NamedTuple):
    """Forms and labels of the words of a training text; the keys are lower-cased words."""

    mixed: dict[str, str]  # word -> its most frequent form of mixed case
    usual: dict[str, str]  # word -> its most frequent label


def word_forms(words: Iterable[Word]) -> WordForms:
    """Returns the most frequent forms and labels of words; ties go to the one that sorts first."""
    forms: dict[str, Counter[str]] = {}
    labels: dict[str, Counter[str]] = {}
    for word in words:
        lower, label = word.core.lower(), label_of(word)
        labels.setdefault(lower, Counter())[label] += 1
        if label in MIXED:
            forms.setdefault(lower, Counter())[word.core] += 1
    return WordForms(_most_frequent(forms), _most_frequent(labels))


def _most_frequent(counts: Mapping[str, Counter[str]]) -> dict[str, str]:
    return {word: min(found, key=lambda text: (-found[text], text)) for word, found in counts.items()}


def bare(words: Sequence[Word]) -> str:
    """Returns the lower-cased cores as one line: the input of a restorer."""
    return " ".join(word.core.lower() for word in words if word.core)
