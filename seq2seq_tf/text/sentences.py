"""Conservative rule-based sentence splitting, and word counts for languages with and without spaces."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from seq2seq_tf.text.scripts import is_unspaced, main_script

# A full stop after one of these (lower-cased) does not end a sentence. Single letters are handled separately.
_ABBREVIATION_LISTS = (
    # English, German; French, Spanish, Portuguese, Italian; Germanic and Slavic
    "vs etc eg ie cf no nos fig figs vol approx dept mr mrs ms dr prof st jr sr inc ltd co corp incl resp",
    "bzw usw ggf evtl ca nr abb bsp bspw vgl inkl exkl sog zzgl abs str tel max mind std art bd jh allg",
    "ex p.ex env réf chap pág ej p.ej núm sra dra ecc pag ad.es nº",
    "bijv enz bv osv f.eks t.ex bl.a np tzn itp itd tj tzv např popř apod atd стр рис др",
)
_ABBREVIATIONS = frozenset(word for line in _ABBREVIATION_LISTS for word in line.split())
# Both alternatives visit each character once: a run of marks starts where no mark precedes, and never backtracks.
_END = re.compile(r"(?<![.!?؟।॥۔።။។։])[.!?؟।॥۔።။។։]++[\"'”“»’)\]]*+\s++|(?<![。！？｡])[。！？｡]++[”」』）)]*+\s*+")
_OPENERS = "\"'“„«‘‚‹([¿¡"
_OPENED = re.compile(f"[{re.escape(_OPENERS)}]*+")
_CLOSERS = "\"'”“»’)]」』）"
_WIDE_STOPS = ("。", "！", "？", "｡")
_WITHOUT_GAPS = ("Hani", "Hira", "Kana", "Bopo")  # Thai and similar scripts do put a space between sentences
_BRACKETS = ("()", "（）", "「」", "『』")
_MAX_WORD_PIECES = 64  # characters inspected before a full stop; abbreviations are shorter


class Paragraph(NamedTuple):
    """The sentences of a text and the white space between them."""

    sentences: list[str]  # none is blank
    gaps: list[str]  # one fewer than sentences; "" in scripts without spaces


def split_sentences(paragraph: str) -> list[str]:
    """Splits a paragraph after `. ! ?` before a capital, and after the full stops of CJK text.

    It does not split after abbreviations, initials (`z. B.`), short numbers (`3. Januar`, `1. Click`) and ellipses
    (`Save As... Then`), in decimals and file names, or inside parentheses. When in doubt, it does not split.
    """
    return split_paragraph(paragraph).sentences


def split_paragraph(paragraph: str) -> Paragraph:
    """Splits like `split_sentences`, keeping the white space between sentences but not that around the paragraph."""
    parts = [paragraph[start:end] for start, end in itertools.pairwise([0, *_ends(paragraph), len(paragraph)])]
    sentences = [part.strip() for part in parts]
    if not sentences[-1]:
        return Paragraph([], [])
    gaps = [part[len(part.rstrip()) :] for part in parts[:-1]]
    return Paragraph(sentences, gaps)


def usual_gap(sentence: str) -> str:
    """Returns the usual text between this sentence and the next: nothing in Chinese and Japanese, otherwise a space."""
    ended = sentence.rstrip(_CLOSERS)
    return "" if ended.endswith(_WIDE_STOPS) or main_script([sentence]) in _WITHOUT_GAPS else " "


def _ends(paragraph: str) -> Iterator[int]:
    """Yields the ends of all sentences except the last, in linear time."""
    start = counted = 0
    open_brackets = [0] * len(_BRACKETS)
    for match in _END.finditer(paragraph):
        if match.end() == len(paragraph):
            return
        seen = paragraph[counted : match.end()]
        counted = match.end()
        for n, pair in enumerate(_BRACKETS):
            open_brackets[n] += seen.count(pair[0]) - seen.count(pair[1])
        before = paragraph[max(start, match.start() - _MAX_WORD_PIECES) : match.start()]
        after = _OPENED.match(paragraph, match.end())
        first = paragraph[after.end() : after.end() + 1] if after else ""
        if max(open_brackets) <= 0 and _is_end(before, match.group(), first):
            yield counted
            start = counted
            open_brackets = [0] * len(_BRACKETS)


def _is_end(before: str, mark: str, first: str) -> bool:
    """Returns whether a sentence ends at a mark, given the text `before` it and the `first` character after it."""
    if mark.startswith(_WIDE_STOPS):
        return mark[-1] not in "”」』"  # 「はい。」と言った continues
    if first.islower() or not first.isalnum() or before.endswith("…"):
        return False
    if not mark.startswith(".") or mark[1:2] in ("!", "?"):
        return True
    words = before.rsplit(maxsplit=1)
    word = words[-1].lstrip(_OPENERS).lower() if words else ""
    short_number = word.isdigit() and len(word) <= 2
    initial = len(word.rsplit(".", 1)[-1]) == 1 and word[-1:].isalpha()
    return not (mark.startswith("..") or short_number or initial or word in _ABBREVIATIONS or not word)


def count_words(text: str) -> int:
    """Counts words separated by spaces; in scripts without spaces, two characters count as one word."""
    return len(text.split()) if text.isascii() else _count_words(text)


def _count_words(text: str) -> int:
    unspaced = sum(map(is_unspaced, text))
    if not unspaced:
        return len(text.split())
    spaced = "".join(" " if is_unspaced(character) else character for character in text).split()
    words = sum(any(map(str.isalnum, word)) for word in spaced)  # marks such as ， do not count as words here
    return words + (unspaced + 1) // 2
