"""Pairs of paragraphs and sentences from the help pages of LibreOffice (HTML, one folder per language)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lengths import length_deviation
from seq2seq_tf.text.lines import Pair
from seq2seq_tf.text.sentences import split_sentences

_CODE_CLASSES = {"code", "codeintable", "smathcode"}
_CODE_TAGS = {"pre", "script", "style"}
_BLOCKS = {"p", "h", "h1", "h2", "h3", "h4", "h5", "h6"}
_BREAK = "\0"


class HelpPage(HTMLParser):
    r"""Collects `paragraphs`: (id, text) of each paragraph and heading with an id, without program code.

    If the page offers variants (`Command` on a Mac, otherwise `Ctrl`), the default is used. A line break inside a
    paragraph is kept as "\n"; other white space is collapsed.
    """

    def __init__(self, html: str) -> None:
        """Parses a whole page."""
        super().__init__(convert_charrefs=True)
        self.paragraphs: list[tuple[str, str]] = []
        self._skipped = 0  # nesting depth of <pre>, <script> and <style>
        self._open("", "")
        content = html.find('<div id="DisplayArea"')
        self.feed(html[max(content, 0) :])
        self.close()

    def _open(self, tag: str, name: str) -> None:
        self._tag = tag
        self._id = name
        self._texts: list[list[str]] = [[]]  # innermost last: the paragraph, then its variants
        self._spans: list[str] = []  # "", "switch" or "variant" for each open span
        self._variants: list[list[tuple[bool, str]]] = []  # (is default, text) for each open switch

    def _finish(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._texts[0]).split(_BREAK))
        text = "\n".join(line for line in lines if line)
        if self._id and text:
            self.paragraphs.append((self._id, text))
        self._open("", "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens a paragraph, a switch or a variant."""
        attributes = {name: value or "" for name, value in attrs}
        if tag in _CODE_TAGS:
            self._skipped += 1
        elif tag in _BLOCKS:
            self._finish()
            if not self._skipped and attributes.get("class") not in _CODE_CLASSES:
                self._open(tag, attributes.get("id", ""))
        elif tag == "br":
            self._texts[-1].append(_BREAK)
        elif tag == "span" and self._tag:
            self._open_span(attributes)

    def _open_span(self, attributes: dict[str, str]) -> None:
        if self._in_switch():
            self._spans.append("variant")
            self._variants[-1].append((attributes.get("id", "").startswith("default"), ""))
            self._texts.append([])
        elif attributes.get("class") == "switchinline":
            self._spans.append("switch")
            self._variants.append([])
        else:
            self._spans.append("")

    def handle_endtag(self, tag: str) -> None:
        """Closes a paragraph, or inserts the chosen variant of a switch into the surrounding text."""
        if tag in _CODE_TAGS:
            self._skipped = max(self._skipped - 1, 0)
        elif tag == self._tag:
            self._finish()
        elif tag == "span" and self._spans:
            kind = self._spans.pop()
            if kind == "variant":
                is_default, _ = self._variants[-1].pop()
                self._variants[-1].append((is_default, "".join(self._texts.pop())))
            elif kind == "switch":
                variants = sorted(self._variants.pop(), key=lambda variant: not variant[0])
                self._texts[-1].extend(text for _, text in variants[:1])

    def handle_data(self, data: str) -> None:
        """Collects the text of the open paragraph; between the variants of a switch there is only white space."""
        if self._id and not self._skipped and not self._in_switch():
            self._texts[-1].append(data)

    def _in_switch(self) -> bool:
        return bool(self._spans) and self._spans[-1] == "switch"


def find_pages(folder: Path, language: str) -> Path:
    """Returns folder/LANGUAGE/text, ignoring case (`en-US` for the language `en-us`).

    Raises:
      InputError: there is no such folder.
    """
    for text in sorted(folder.glob("*/text")):
        if text.parent.name.lower() == language.lower():
            return text
    raise InputError(f"{folder}: contains no help pages for {language!r} (looked for {language}/text)")


def paragraph_pairs(source: Path, target: Path) -> Iterator[Pair]:
    """Yields the paragraphs with the same id (the nth with the nth if it repeats) on pages with the same path."""
    for path in sorted(source.rglob("*.html")):
        other = target / path.relative_to(source)
        if other.is_file():
            left, right = _paragraphs(path), _paragraphs(other)
            yield from ((text, right[key]) for key, text in left.items() if key in right)


def _paragraphs(page: Path) -> dict[tuple[str, int], str]:
    turns: Counter[str] = Counter()
    found = {}
    for name, text in HelpPage(page.read_text(encoding="utf-8", errors="replace")).paragraphs:
        turns[name] += 1
        found[name, turns[name]] = text
    return found


def sentence_pairs(source: str, target: str, *, ratio: float, max_deviation: float) -> Iterator[Pair]:
    """Splits a paragraph pair into lines and these into sentences, wherever both sides have the same number.

    Args:
      source: a paragraph.
      target: its translation.
      ratio: the `character_ratio` of the corpus.
      max_deviation: sentences with a greater `length_deviation` are not considered translations of each other, and
        their line is not split.
    """
    lines = source.split("\n"), target.split("\n")
    if len(lines[0]) != len(lines[1]):
        lines = [" ".join(lines[0])], [" ".join(lines[1])]
    for left, right in zip(*lines, strict=True):
        sentences = split_sentences(left), split_sentences(right)
        pairs = list(zip(*sentences, strict=False))
        aligned = len(sentences[0]) == len(sentences[1])
        if aligned and all(length_deviation(len(s), len(t), ratio) <= max_deviation for s, t in pairs):
            yield from pairs
        else:
            yield left, right
