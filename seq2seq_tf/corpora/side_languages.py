"""Checks whether each side of a corpus is in the language that its file extension names.

Languages are identified by the naive Bayes model of py3langid, which is part of its package and covers 139 languages; a
language that it does not know is identified by its script, unless that is Latin.
"""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import langcodes
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from seq2seq_tf.corpora.findings import Finding, Place
from seq2seq_tf.corpora.part_text import PartText
from seq2seq_tf.text.lines import Pair
from seq2seq_tf.text.scripts import main_script

_BLOCK = 60  # characters judged together: a short line is weak evidence
_MAX_BLOCKS = 300
_MIN_BLOCKS = 10
_MOST = 0.8  # share of the blocks that counts as all of them; every corpus has some names and formulas
_FEW = 0.2
_SOME = 0.3  # with 139 possible languages, this many blocks are not chance
_NEAR = 20  # largest langcodes distance of languages not distinguished: Croatian and Bosnian, Norwegian and Danish

_SAME_TO_MODEL = {"nb": "no", "fil": "tl"}
_SCRIPTS_OF = {  # codes of mixed writing systems -> the scripts of their characters
    "Jpan": ("Hira", "Kana", "Hani"),
    "Kore": ("Hang", "Hani"),
    "Hans": ("Hani", "Bopo"),
    "Hant": ("Hani", "Bopo"),
}


class Language(NamedTuple):
    """The language that a file extension names."""

    code: str  # as in the extension
    known: str  # py3langid's code, or ""
    scripts: tuple[str, ...]  # its scripts, or () if unknown


def language_of(ending: str) -> Language:
    """Returns the language of a file extension such as en, pt-br or zh_TW."""
    try:
        tag = langcodes.Language.get(langcodes.standardize_tag(ending, macro=True))
    except langcodes.LanguageTagError:
        return Language(ending, "", ())
    name = _SAME_TO_MODEL.get(tag.language or "", tag.language or "")
    known = name if name in identifier().labels else ""
    script = tag.maximize().script or "Latn"
    # langcodes assumes the Latin script for unknown languages.
    scripts = _SCRIPTS_OF.get(script, (script,)) if known or script != "Latn" else ()
    return Language(ending, known, scripts)


@functools.cache
def identifier() -> LanguageIdentifier:
    """Returns the model of py3langid."""
    return LanguageIdentifier.from_model_file(MODEL_FILE)


def identify(texts: Sequence[str], among: Sequence[str] = ()) -> Counter[str]:
    """Returns language -> number of texts whose most likely language it is.

    Args:
      texts: texts of a few sentences each.
      among: languages to consider; empty for all.
    """
    model = identifier()
    model.set_languages(among or None)
    try:
        return Counter(model.classify(text)[0] for text in texts)
    finally:
        model.set_languages(None)  # otherwise its labels stay restricted


def share_in_first(texts: Sequence[str], languages: tuple[Language, Language]) -> float | None:
    """Returns the share of texts in the first of two languages, or None if they cannot be distinguished."""
    first, second = languages
    if first.known and second.known and first.known != second.known:
        return identify(texts, (first.known, second.known))[first.known] / len(texts)
    return _share_by_script(texts, languages)


def _share_by_script(texts: Sequence[str], languages: tuple[Language, Language]) -> float | None:
    first, second = languages
    if set(first.scripts) & set(second.scripts) or not (first.scripts or second.scripts):
        return None
    if first.scripts:
        return _share_in(texts, first.scripts)
    return 1.0 - _share_in(texts, second.scripts)


def _share_in(texts: Sequence[str], scripts: Sequence[str]) -> float:
    return sum(main_script([text]) in scripts for text in texts) / len(texts)


def check_side_languages(text: PartText) -> list[Finding]:
    """Reports sides that are the wrong way round, in the same language, or not in the language of their extension."""
    blocks = blocks_of(text.sample, 0), blocks_of(text.sample, 1)
    if min(map(len, blocks)) < _MIN_BLOCKS:
        return []
    languages = language_of(text.languages[0]), language_of(text.languages[1])
    found = identify(blocks[0]), identify(blocks[1])
    if _are_exchanged(blocks, languages, found):
        return [_wrong_way_round(text)]
    likely = [_likely(counts, len(side)) for counts, side in zip(found, blocks, strict=True)]
    told = share_in_first(blocks[0], languages) is not None
    if told and likely[0] and likely[0] == likely[1] and not text.contrast.clear:
        return [_one_language(text, likely[0])]
    findings = []
    for name, path, expected, other, side in zip(
        ("source", "target"), text.part[1:], languages, likely, blocks, strict=True
    ):
        if expected.known and other and not _near(expected.known, other):
            findings.append(_another_language(text, name, str(path), expected, other))
        elif not expected.known and expected.scripts and _share_in(side, expected.scripts) <= _FEW:
            findings.append(_another_language(text, name, str(path), expected, main_script(side)))
    return findings


def _are_exchanged(
    blocks: tuple[list[str], list[str]], languages: tuple[Language, Language], found: tuple[Counter[str], Counter[str]]
) -> bool:
    """Returns whether each side is in the language of the other, by its script or as identified."""
    for judge in (_share_by_script, share_in_first):
        of_sources, of_targets = judge(blocks[0], languages), judge(blocks[1], languages)
        if of_sources is None or of_targets is None or of_sources > _FEW or of_targets < _MOST:
            continue
        others = zip(found, blocks, reversed(languages), strict=True)
        if judge is _share_by_script or all(counts[other.known] >= _SOME * len(side) for counts, side, other in others):
            return True
    return False


def blocks_of(sample: Sequence[Pair], side: int) -> list[str]:
    """Returns texts of at least 60 characters from all over the sample, joining shorter lines."""
    blocks, block = [], ""
    distinct = list(dict.fromkeys(sample))
    for pair in random.Random(1).sample(distinct, min(len(distinct), 4 * _MAX_BLOCKS)):
        block = f"{block} {pair[side]}" if block else pair[side]
        if len(block) >= _BLOCK:
            blocks.append(block)
            block = ""
    return blocks[:_MAX_BLOCKS]


def _likely(counts: Counter[str], blocks: int) -> str:
    """Returns the language of nearly all blocks, or an empty string if there is none."""
    language, count = counts.most_common(1)[0]
    return language if count >= _MOST * blocks and language != "zxx" else ""


def _near(expected: str, other: str) -> bool:
    # Also compared in Latin script: for langcodes, Serbian, written in both scripts, is far from Croatian in Cyrillic.
    ways = (expected, other), (other, expected), (f"{expected}-Latn", f"{other}-Latn")
    return min(langcodes.tag_distance(*way) for way in ways) <= _NEAR


def _first_line(text: PartText) -> Place:
    return Place(str(text.part.source), 1, "", str(text.part.target), 1)


def _wrong_way_round(text: PartText) -> Finding:
    source, target = text.languages
    check = f"wrong way round: the sources are in {target}, the targets in {source}"
    remedy = f"swap the file names: the file in {source} must end in .{source}, the file in {target} in .{target}"
    return Finding("error", text.part.name, check, 1, (_first_line(text),), remedy)


def _one_language(text: PartText, language: str) -> Finding:
    check = f"both sides are in one language ({language})"
    remedy = "use the file in the other language; from this one, a model learns to copy"
    return Finding("error", text.part.name, check, 1, (_first_line(text),), remedy)


def _another_language(text: PartText, side: str, path: str, expected: Language, other: str) -> Finding:
    check = f"the {side} side looks like {other}, not {expected.code}"
    remedy = f"check that this is the right file and that {expected.code} is the right extension"
    return Finding("warning", text.part.name, check, 1, (Place(path, 1),), remedy)
