"""Swapped pairs, and texts that were never translated, are found line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import invented
from tests.invented import LINES, audited, english_and_german, errors_and_warnings, only_error

SOURCES, TARGETS = invented.sides()
PAIRS = list(zip(SOURCES, TARGETS, strict=True))


@pytest.mark.parametrize("every", [2, 7])
def test_swapped_languages_are_found_line_by_line(tmp_path: Path, every: int) -> None:
    swapped = {n for n in range(LINES) if n % every == 0}
    sources = [PAIRS[n][n in swapped] for n in range(LINES)]
    targets = [PAIRS[n][n not in swapped] for n in range(LINES)]
    error = only_error(audited(invented.write_part(tmp_path, sources, targets)))
    assert error.check == "source and target are swapped"
    right = min(len(swapped), LINES - len(swapped))  # nothing shows which of two invented languages is the source
    assert right * 0.97 <= error.times <= right
    assert len({place.line % every == 1 % every for place in error.examples}) == 1


def test_a_few_swapped_lines_are_a_warning_with_their_places(tmp_path: Path) -> None:
    sources, targets = SOURCES.copy(), TARGETS.copy()
    for n in (100, 200):
        sources[n], targets[n] = targets[n], sources[n]
    (finding,) = audited(invented.write_part(tmp_path, sources, targets)).findings
    assert finding[:4] == ("warning", "train", "source and target are swapped", 2)
    assert [place.line for place in finding.examples] == [101, 201]


@pytest.mark.parametrize(("share", "severity"), [(0.05, "warning"), (0.3, "error"), (0.5, "error")])
def test_lines_that_were_never_translated_are_found(tmp_path: Path, share: float, severity: str) -> None:
    count = int(LINES * share)
    others = [source for source, _ in invented.corpus(LINES, 1)][::-1]
    targets = [others[n] if n < count else TARGETS[n] for n in range(LINES)]
    finding = audited(invented.write_part(tmp_path, SOURCES, targets)).findings[0]
    assert (finding.severity, finding.check) == (severity, "the target is in the language of the sources")
    assert count * 0.95 <= finding.times <= count


def test_the_file_extensions_decide_if_half_of_the_pairs_are_swapped(tmp_path: Path) -> None:
    english, german = english_and_german()
    swapped = [n < 240 for n in range(400)]  # the majority
    sources = [g if s else e for e, g, s in zip(english, german, swapped, strict=True)]
    targets = [e if s else g for e, g, s in zip(english, german, swapped, strict=True)]
    part = invented.write_part(tmp_path, sources, targets, languages=("en", "de"))
    result = audited(part, ("en", "de"))
    assert errors_and_warnings(result) == [("error", "source and target are swapped")]
    assert result.findings[0].examples[0].line == 1
    assert result.findings[0].times >= 230
