"""Paragraphs to sentences by careful rules, and lengths in words for languages with and without spaces."""

from __future__ import annotations

import re

from seq2seq_tf.text.scripts import is_unspaced

# A full stop after one of these (lower-cased) does not end a sentence. Single letters need no entry.
_ABBREVIATION_LISTS = (
    # English, German; French, Spanish, Portuguese, Italian; Germanic and Slavic
    "vs etc eg ie cf no nos fig figs vol approx dept mr mrs ms dr prof st jr sr inc ltd co corp incl resp",
    "bzw usw ggf evtl ca nr abb bsp bspw vgl inkl exkl sog zzgl abs str tel max mind std art bd jh allg",
    "ex p.ex env réf chap pág ej p.ej núm sra dra ecc pag ad.es nº",
    "bijv enz bv osv f.eks t.ex bl.a np tzn itp itd tj tzv např popř apod atd стр рис др",
)
_ABBREVIATIONS = frozenset(word for line in _ABBREVIATION_LISTS for word in line.split())
_END = re.compile(r"[.!?؟।]+[\"'”“»’)\]]*\s+|[。！？]+[”」』）)]*\s*")
_OPENERS = "\"'“„«‘‚‹([¿¡"


def split_sentences(paragraph: str) -> list[str]:
    """Splits a paragraph after `. ! ?` before a capital, and after the full stops of CJK text.

    Not split are abbreviations, initials (`z. B.`), short numbers (`3. Januar`, `1. Click`), ellipses
    (`Save As... Then`), decimals and file names, nor inside parentheses. When in doubt it does not split.
    """
    sentences, start = [], 0
    for match in _END.finditer(paragraph):
        if _is_end(paragraph[start : match.start()], match.group(), paragraph[match.end() :]):
            sentences.append(paragraph[start : match.end()].strip())
            start = match.end()
    rest = paragraph[start:].strip()
    return [*sentences, rest] if rest else sentences


def _is_end(before: str, mark: str, after: str) -> bool:
    if not after.strip() or _is_inside_brackets(before + mark):
        return False
    if mark[0] in "。！？":
        return mark[-1] not in "”」』"  # 「はい。」と言った goes on
    first = after.lstrip(_OPENERS)[:1]
    if first.islower() or not first.isalnum() or before.endswith("…"):
        return False
    if not mark.startswith(".") or mark[1:2] in ("!", "?"):
        return True
    words = before.rsplit(maxsplit=1)
    word = words[-1].lstrip(_OPENERS).lower() if words else ""
    short_number = word.isdigit() and len(word) <= 2
    initial = len(word.rsplit(".", 1)[-1]) == 1 and word[-1:].isalpha()
    return not (mark.startswith("..") or short_number or initial or word in _ABBREVIATIONS or not word)


def _is_inside_brackets(text: str) -> bool:
    return any(text.count(opening) > text.count(closing) for opening, closing in ("()", "（）", "「」", "『』"))


def count_words(text: str) -> int:
    """Counts words divided by spaces; in scripts without spaces two characters count as one word."""
    return len(text.split()) if text.isascii() else _count_words(text)


def _count_words(text: str) -> int:
    unspaced = sum(map(is_unspaced, text))
    if not unspaced:
        return len(text.split())
    spaced = "".join(" " if is_unspaced(character) else character for character in text).split()
    words = sum(any(map(str.isalnum, word)) for word in spaced)  # marks such as ， are no words of their own here
    return words + (unspaced + 1) // 2
