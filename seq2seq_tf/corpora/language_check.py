"""Detection of lines of a parallel corpus that are in the wrong language."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from seq2seq_tf.corpora.audit import Audit
from seq2seq_tf.corpora.findings import Finding, Findings, Place, by_severity
from seq2seq_tf.corpora.part_text import Part
from seq2seq_tf.text.lines import iter_raw_lines

_WINDOW = 2048  # lines classified together: bounds memory


class LanguageCheck(NamedTuple):
    """The expected languages and how to identify them."""

    languages: tuple[str, str]  # of sources and of targets
    classify: Callable[[Sequence[str]], Sequence[tuple[str, float]]]  # texts -> most probable language, probability
    min_probability: float  # a line is reported if another language is at least this probable
    min_characters: int  # shorter lines are ignored


def check_languages(parts: Sequence[Part], check: LanguageCheck) -> list[Finding]:
    """Returns a warning, with its first places, for each side of each part that has lines in another language.

    Bytes that are not UTF-8 are ignored; `audit` reports them.

    Raises:
      InputError: a file cannot be read.
    """
    listed = []
    for part in parts:
        found = Findings(part.name)
        for path, expected in zip((part.source, part.target), check.languages, strict=True):
            for number, language, probability in _other_languages(path, expected, check):
                place = Place(str(path), number, f"{language}, {probability:.3f}")
                found.report("warning", f"line is not {expected}", place, "remove these pairs, or translate them")
        listed += found.listed()
    return listed


def _other_languages(path: Path, expected: str, check: LanguageCheck) -> Iterator[tuple[int, str, float]]:
    """Yields the number, the language and its probability for each line to report."""
    numbered = enumerate(iter_raw_lines(path), start=1)
    while window := list(itertools.islice(numbered, _WINDOW)):
        texts = [(number, raw.decode("utf-8", "ignore")) for number, raw in window]
        long = [(number, text) for number, text in texts if len(text.strip()) >= check.min_characters]
        labelled = check.classify([text for _, text in long])
        for (number, _), (language, probability) in zip(long, labelled, strict=True):
            if language != expected and probability >= check.min_probability:
                yield number, language, probability


def with_findings(audit: Audit, more: Sequence[Finding]) -> Audit:
    """Returns the audit with more findings, errors first."""
    return Audit(audit.sizes, by_severity([*audit.findings, *more]))
