"""All checks together report nothing on a good corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import invented
from tests.invented import LINES, audited


@pytest.mark.parametrize("seed", [2, 3])
def test_a_good_corpus_has_no_findings(tmp_path: Path, seed: int) -> None:
    sources, targets = map(list, zip(*invented.corpus(LINES, seed), strict=True))
    assert audited(invented.write_part(tmp_path, sources, targets)).findings == ()


def test_a_good_corpus_sorted_by_length_has_no_findings(tmp_path: Path) -> None:
    pairs = sorted(invented.corpus(LINES), key=lambda pair: len(pair[0]))
    assert audited(invented.write_part(tmp_path, [s for s, _ in pairs], [t for _, t in pairs])).findings == ()
