"""Detection of pairs whose two texts are swapped, and of pairs with both texts in one language."""

from __future__ import annotations

import itertools
import re

import numpy as np

from seq2seq_tf.corpora.findings import Finding, Findings, Place
from seq2seq_tf.corpora.part_text import PartText
from seq2seq_tf.corpora.side_contrast import SideContrast
from seq2seq_tf.corpora.side_languages import language_of, share_in_first

_WINDOW = 4096  # pairs judged together: bounds memory
_MIN_ODDS = 20.0  # minimum nats, and one per character: only texts that are clearly in one language are judged
_STRICTER = 1.5  # times as many if both texts seem to be in one language: "Tom ist Pilot." resembles English
_OF_THE_REST = 0.5  # share of the required odds that must remain without the words that both texts share
_WORD = re.compile(r"[A-Za-z]+|\d+|[^\W\d_]+")  # finds Latin words inside Japanese text without spaces, too
_UNDECIDED = 0.35  # if more pairs are the other way round, the file extensions decide which is the right one

_SWAPPED = "source and target are swapped"
_TARGET_IS_SOURCE = "the target is in the language of the sources"
_SOURCE_IS_TARGET = "the source is in the language of the targets"
# Share of the pairs above which a finding is an error. A few untranslated lines do little harm, and names and program
# text can look like them.
_RUINOUS_SHARE = {_SWAPPED: 0.02, _TARGET_IS_SOURCE: 0.1, _SOURCE_IS_TARGET: 0.1}
_REMEDY = {
    _SWAPPED: "swap the two texts of these lines, or remove the pairs",
    _TARGET_IS_SOURCE: "remove these pairs, or translate them",
    _SOURCE_IS_TARGET: "remove these pairs, or translate them",
}


def check_swapped_sides(text: PartText) -> list[Finding]:
    """Reports pairs whose sides are not in the languages of the other pairs.

    The languages need not be known: `SideContrast` learns from the pairs themselves.
    """
    contrast = text.contrast
    if not contrast.clear:
        return []
    _settle_direction(text, contrast)
    found = Findings(text.part.name)
    pairs = 0
    numbered = enumerate(text.lines(), start=1)
    while window := list(itertools.islice(numbered, _WINDOW)):
        both = [(number, source, target) for number, (source, target) in window if source and target]
        pairs += len(both)
        sides = [_languages(contrast, [pair[side] for pair in both]) for side in (1, 2)]  # type: ignore[misc]
        for (number, *texts), source, target in zip(both, *sides, strict=True):
            check = _check(float(source), float(target))
            if check and check != _SWAPPED and not _is_in_one_language(contrast, *texts):
                continue
            if check:
                place = Place(str(text.part.source), number, "", str(text.part.target), number)
                found.report("warning", check, place, _REMEDY[check])
    return [
        finding._replace(severity="error") if finding.times > _RUINOUS_SHARE[finding.check] * pairs else finding
        for finding in found.listed()
    ]


def _settle_direction(text: PartText, contrast: SideContrast) -> None:
    """Decides which language belongs to the sources if the pairs themselves do not clearly show it."""
    if contrast.swapped.mean() < _UNDECIDED:
        return
    first = [pair[int(swapped)] for pair, swapped in zip(text.sample, contrast.swapped, strict=True)][:1000]
    languages = language_of(text.languages[0]), language_of(text.languages[1])
    share = share_in_first(first, languages)
    if share is not None and share < 0.5:
        contrast.exchange()


def _languages(contrast: SideContrast, texts: list[str]) -> np.ndarray:
    """Returns [texts] scores: clearly in the language of the sources (1 or more) or of the targets (-1 or less)."""
    needed = np.maximum(_MIN_ODDS, np.array([len(text) for text in texts]))
    return contrast.log_odds(texts) / needed


def _is_in_one_language(contrast: SideContrast, source: str, target: str) -> bool:
    """Returns whether two texts seem to be in one language even without their shared words, such as names."""
    words = set(_WORD.findall(source)) & set(_WORD.findall(target))
    own = [_WORD.sub(lambda word: "" if word.group() in words else word.group(), text) for text in (source, target)]
    odds = _languages(contrast, own)
    return bool(odds[0] * odds[1] > 0.0 and np.abs(odds).min() >= _OF_THE_REST)


def _check(source: float, target: float) -> str:
    if source <= -1.0 and target >= 1.0:
        return _SWAPPED
    if min(source, target) >= _STRICTER:
        return _TARGET_IS_SOURCE
    return _SOURCE_IS_TARGET if max(source, target) <= -_STRICTER else ""
