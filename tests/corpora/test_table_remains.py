"""Remains of a table are found: quoting, tabs, a header; direct speech in quotation marks is not reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests import invented
from tests.invented import LINES, audited, only_error

SOURCES, TARGETS = invented.sides()


def test_quoting_tabs_and_header_of_a_spreadsheet_are_found(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    quoted = [f'"{text[:5]}""x""{text[5:]}"' if draw.random() < 0.3 else text for text in TARGETS]
    sources = ["Source", *SOURCES[:-1]]
    sources[5] += "\tand a comment"
    result = audited(invented.write_part(tmp_path, sources, ["YY", *quoted[:-1]]))
    assert only_error(result).check == "quoted like a table field"
    assert {f.check: f.examples[0].line for f in result.findings if f.severity == "warning"} == {
        "the first line is a table header": 1,
        "tab inside a line": 6,
    }


def test_quoting_of_every_line_is_found_but_not_direct_speech(tmp_path: Path) -> None:
    error = only_error(audited(invented.write_part(tmp_path, [f'"{s}"' for s in SOURCES], [f'"{t}"' for t in TARGETS])))
    assert (error.check, error.times) == ("quoted like a table field", 2 * LINES)
    said = [f'"{text}"' if n % 3 else text for n, text in enumerate(SOURCES)]
    assert audited(invented.write_part(tmp_path, said, TARGETS)).findings == ()
