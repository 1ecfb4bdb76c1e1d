"""Findings of corpus checks: kinds of flaws, each with its count, its first places and a remedy."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from seq2seq_tf.text.lines import iter_raw_lines

Severity = Literal["error", "warning"]

EXAMPLES = 3  # kept for each finding
_SHOWN = 60  # characters of an excerpt


class Place(NamedTuple):
    """The place of a flaw: a line of a file, possibly with the line on the other side, or a whole file."""

    path: str
    line: int = 0  # from 1; 0 for the whole file
    note: str = ""
    beside: str = ""  # file on the other side
    beside_line: int = 0

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where} ({self.note})" if self.note else where


class Finding(NamedTuple):
    """One kind of flaw in one part: how often it was found, its first places, and what to do."""

    severity: Severity
    part: str
    check: str
    times: int
    examples: tuple[Place, ...]
    remedy: str


class Findings:
    """Collects the findings of one part: counts each kind of flaw and keeps its first places."""

    def __init__(self, part: str) -> None:
        self.part = part
        self._found: dict[tuple[Severity, str], Finding] = {}

    def report(self, severity: Severity, check: str, place: Place, remedy: str) -> None:
        """Counts one occurrence of a flaw."""
        found = self._found.get((severity, check)) or Finding(severity, self.part, check, 0, (), remedy)
        examples = found.examples if found.times >= EXAMPLES else (*found.examples, place)
        self._found[severity, check] = found._replace(times=found.times + 1, examples=examples)

    def listed(self) -> list[Finding]:
        """Returns all findings in order of first occurrence."""
        return list(self._found.values())


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns errors before warnings, otherwise in the given order."""
    return tuple(sorted(findings, key=lambda finding: finding.severity))  # "error" sorts before "warning"


def read_excerpts(findings: Sequence[Finding]) -> dict[tuple[str, int], str]:
    """Returns (file, line) -> the beginning of that line for all examples; reads each file once.

    Raises:
      InputError: a file cannot be read.
    """
    wanted: dict[str, set[int]] = {}
    for place in itertools.chain.from_iterable(finding.examples for finding in findings):
        for path, line in ((place.path, place.line), (place.beside, place.beside_line)):
            if path and line:
                wanted.setdefault(path, set()).add(line)
    return {
        (path, number): excerpt(raw.decode("utf-8", "replace"))
        for path, numbers in wanted.items()
        for number, raw in enumerate(itertools.islice(iter_raw_lines(path), max(numbers)), start=1)
        if number in numbers
    }


def excerpt(text: str) -> str:
    """Returns the beginning of a text on one line, with unprintable characters escaped."""
    shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
