"""Two languages are distinguished from the pairs only, whichever way round; one language on both sides is not."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.corpora.side_contrast import SideContrast
from tests import invented
from tests.invented import LINES, audited

SOURCES, TARGETS = invented.sides()


@pytest.mark.parametrize("kept", [1.0, 0.8])
def test_two_sides_in_one_language_are_not_an_error(tmp_path: Path, kept: float) -> None:
    draw = random.Random(3)
    shorter = [" ".join(w for w in text.split() if draw.random() < kept).upper() for text in SOURCES]
    shorter = [text or "X" for text in shorter]
    assert not audited(invented.write_part(tmp_path, SOURCES, shorter)).errors


def test_each_text_is_identified_by_its_letters_even_in_swapped_pairs() -> None:
    swapped = np.arange(len(SOURCES)) % 5 == 2
    pairs = [(t, s) if odd else (s, t) for s, t, odd in zip(SOURCES, TARGETS, swapped, strict=True)]
    contrast = SideContrast(pairs)
    assert contrast.clear
    np.testing.assert_array_equal(contrast.swapped, swapped)
    for texts, sign in ((SOURCES, 1.0), (TARGETS, -1.0)):
        assert np.mean(np.sign(contrast.log_odds(texts)) == sign) > 0.99
    contrast.exchange()
    np.testing.assert_array_equal(contrast.swapped, ~swapped)
    assert np.mean(contrast.log_odds(SOURCES) < 0) > 0.99


def test_few_pairs_or_one_language_are_not_distinguished() -> None:
    others = [source for source, _ in invented.corpus(LINES, 1)][::-1]
    assert not SideContrast(list(zip(SOURCES[:49], TARGETS[:49], strict=True))).clear
    assert not SideContrast(list(zip(SOURCES, others, strict=True))).clear
    assert not SideContrast(list(zip(SOURCES, map(str.upper, SOURCES), strict=True))).clear
