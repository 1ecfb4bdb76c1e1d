"""Missing and extra lines, and unrelated lines, are found and located."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests import invented
from tests.invented import LINES, audited, only_error

SOURCES, TARGETS = invented.sides()
PAIRS = list(zip(SOURCES, TARGETS, strict=True))


def test_a_target_shifted_by_one_line_is_found(tmp_path: Path) -> None:
    for sources, targets, shift in ((SOURCES[:-1], TARGETS[1:], -1), (SOURCES[1:], TARGETS[:-1], 1)):
        part = invented.write_part(tmp_path, sources, targets)
        error = only_error(audited(part))
        assert (error.check, error.times) == ("lines shifted relative to each other", LINES - 1)
        assert error.examples[0].note == f"up to line 400, target line N{shift:+d} translates source line N"


@pytest.mark.parametrize("missing", [100, 320])
def test_a_line_missing_in_the_middle_is_located(tmp_path: Path, missing: int) -> None:
    targets = TARGETS[:missing] + TARGETS[missing + 1 :] + ["one more line at the end."]
    error = audited(invented.write_part(tmp_path, SOURCES, targets)).findings[0]
    assert (error.severity, error.check) == ("error", "lines shifted relative to each other")
    assert abs(error.examples[0].line - (missing + 1)) <= 8
    assert error.examples[0].beside_line == error.examples[0].line - 1


def test_a_missing_and_a_later_extra_line_delimit_the_shifted_lines(tmp_path: Path) -> None:
    targets = [*TARGETS[:100], *TARGETS[101:300], "surplus.", *TARGETS[300:]]
    error = only_error(audited(invented.write_part(tmp_path, SOURCES, targets)))
    assert 185 <= error.times <= 215
    assert abs(error.examples[0].line - 101) <= 8


def test_a_missing_line_is_located_if_the_files_differ_in_length(tmp_path: Path) -> None:
    result = audited(invented.write_part(tmp_path, SOURCES, TARGETS[:200] + TARGETS[201:]))
    assert [finding.check for finding in result.findings[:2]] == [
        "different numbers of lines",
        "lines shifted relative to each other",
    ]
    assert abs(result.findings[1].examples[0].line - 201) <= 8


def test_a_large_shift_and_shuffled_lines_are_found(tmp_path: Path) -> None:
    error = only_error(audited(invented.write_part(tmp_path, SOURCES[:-50], TARGETS[50:])))
    assert error.check == "lines shifted relative to each other"
    assert "target line N-50" in error.examples[0].note
    shuffled = random.Random(7).sample(TARGETS, LINES)
    error = only_error(audited(invented.write_part(tmp_path, SOURCES, shuffled)))
    assert error.check == "line N of one side is unrelated to line N of the other"


def test_unrelated_lines_are_found_if_long_and_short_ones_alternate(tmp_path: Path) -> None:
    ranked = sorted(PAIRS, key=lambda pair: len(pair[0]))
    half, draw = LINES // 2, random.Random(11)
    short, long = (draw.sample(part, len(part)) for part in (ranked[:half], ranked[-half:]))
    pairs = [pair for both in zip(short, long, strict=True) for pair in both]
    sources, targets = map(list, zip(*pairs, strict=True))
    assert not audited(invented.write_part(tmp_path, sources, targets)).findings
    targets[::2], targets[1::2] = draw.sample(targets[::2], half), draw.sample(targets[1::2], half)
    error = only_error(audited(invented.write_part(tmp_path, sources, targets)))
    assert error.check == "line N of one side is unrelated to line N of the other"
