"""Audit of a parallel corpus: line counts, damaged text, odd pairs, and overlap between its parts."""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2seq_tf.corpora.corpus_checks import CHECKS
from seq2seq_tf.corpora.findings import Finding, Findings, Place, Severity, by_severity
from seq2seq_tf.corpora.leaks import find_leaks
from seq2seq_tf.corpora.part_text import Part, PartText
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lengths import length_deviation
from seq2seq_tf.text.lines import decode_line, iter_raw_lines, sentence_key, text_hash
from seq2seq_tf.text.scripts import is_visible
from seq2seq_tf.text.sentences import count_words

_CONTROLS = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SAME_SHARE = 0.5  # of the pairs: if more are identical, both sides are the same text

_OUT = "remove the pair"
_REMEDY = {
    "different numbers of lines": "find where a line is missing or extra, and fix it there",
    "no pair with text on both sides": "check that these are the right files",
    "most pairs have identical sides": "use the file in the other language; from this one, a model learns to copy",
    "lines end with CR only": "convert the line ends to LF: tr '\\r' '\\n' < FILE > NEW",
    "invalid UTF-8": "convert the file: iconv -f ENCODING -t utf-8 FILE > NEW",
    "NUL character": "the file is damaged or not text (UTF-16 perhaps): convert it to UTF-8",
    "control character": "delete it or replace it with a space",
    "U+FFFD: damaged by an earlier conversion": "get the text from its source again",
    "one side empty": _OUT + " (seq2seq-data split does); training skips it too",
    "both sides empty": _OUT + " (seq2seq-data split does); training skips it too",
    "both sides the same": _OUT + " (seq2seq-data split does), unless it is a name",
    "duplicate pair": "remove the duplicate (seq2seq-data split does)",
}
_LONG = "split the line into sentences, or remove the pair (seq2seq-data split --max_words)"
_ODD = "check that it is a translation; otherwise remove the pair (seq2seq-data split --max_ratio)"


class PartSize(NamedTuple):
    """The size of a part: pairs of lines, and words on both sides."""

    name: str
    pairs: int
    source_words: int
    target_words: int


class Audit(NamedTuple):
    """The sizes of all parts and the findings, errors first."""

    sizes: tuple[PartSize, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """The number of findings that are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


def find_parts(folder: Path, source_language: str, target_language: str) -> list[Part]:
    """Finds all NAME.SOURCE with NAME.TARGET in a folder, plain or `.gz`: train first, then valid, then the others.

    Raises:
      InputError: the folder does not exist, has no such files, or one side of a part is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    names = {
        path.name.removesuffix(".gz").removesuffix(f".{language}")
        for language in (source_language, target_language)
        for path in [*folder.glob(f"*.{language}"), *folder.glob(f"*.{language}.gz")]
    }
    if not names:
        raise InputError(f"{folder}: contains no files NAME.{source_language} and NAME.{target_language}")
    order = ["train", "valid"]
    ranked = sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [part_at(folder / name, name, source_language, target_language) for name in ranked]


def part_at(prefix: Path, name: str, source_language: str, target_language: str) -> Part:
    """Returns the part with files PREFIX.LANGUAGE or PREFIX.LANGUAGE.gz.

    Raises:
      InputError: one of the two files is missing.
    """
    files = []
    for language in (source_language, target_language):
        plain = prefix.with_name(f"{prefix.name}.{language}")
        found = [path for path in (plain, plain.with_name(f"{plain.name}.gz")) if path.exists()]
        if not found:
            raise InputError(f"{plain}: no such file")
        files.append(found[0])
    return Part(name, *files)


def audit(parts: Sequence[Part], languages: tuple[str, str], *, max_words: int, max_deviation: float) -> Audit:
    """Examines all parts; only hashes, lengths and a sample of the pairs are kept in memory.

    Args:
      parts: leaks are searched from `train` to all others and from `valid` to `test...`.
      languages: languages of sources and targets, as in the file extensions.
      max_words: lines with more words are reported.
      max_deviation: pairs with a greater `length_deviation` from the ratio of their part are reported.

    Raises:
      InputError: a file cannot be read at all.
    """
    examined = {part.name: _Examination(part, max_words, max_deviation) for part in parts}
    findings = []
    for part in parts:
        findings += examined[part.name].findings()
        text = PartText(part, languages)
        for check in CHECKS:
            findings += check(text)
    for earlier, later in itertools.permutations(examined, 2):
        if earlier == "train" or (earlier == "valid" and later.startswith("test")):
            findings += find_leaks(examined[earlier], examined[later])
    return Audit(tuple(examination.size() for examination in examined.values()), by_severity(findings))


class _Examination:
    """Reads one part line by line and keeps the data for its findings and the search for leaks."""

    def __init__(self, part: Part, max_words: int, max_deviation: float) -> None:
        self.part = part
        self.max_words = max_words
        self.max_deviation = max_deviation
        self.lines = [0, 0]
        self.words = [0, 0]
        self.returns = [0, 0]  # CR inside a line
        self.same = 0
        self.numbers = array("Q")  # of the lines with text on both sides; the arrays below have one entry for each
        self.hashes = array("Q")
        self.keys = array("Q"), array("Q")
        self.lengths = array("Q"), array("Q")
        self._found = Findings(part.name)
        files = iter_raw_lines(part.source), iter_raw_lines(part.target)
        for number, raw in enumerate(itertools.zip_longest(*files), start=1):
            texts = [self._text(side, number, line) for side, line in enumerate(raw)]
            if texts[0] is not None and texts[1] is not None:
                self._examine_pair(number, texts[0], texts[1])

    def findings(self) -> list[Finding]:
        """Returns the findings of this part, other than those of `CHECKS`."""
        if self.lines[0] != self.lines[1]:
            note = f"{self.lines[0]:,} lines, but {self.lines[1]:,} in {self.part.target}"
            self._report("error", "different numbers of lines", Place(str(self.part.source), note=note))
        if not self.hashes:
            self._report("error", "no pair with text on both sides", Place(str(self.part.source)))
        for side, returns in enumerate(self.returns):
            if returns > self.lines[side]:
                note = f"{self.lines[side]:,} line{'s'[self.lines[side] == 1 :]} with {returns:,} CR inside"
                self._report("error", "lines end with CR only", Place(str(self.part[1 + side]), note=note))
        if self.same > max(1.0, _SAME_SHARE * len(self.hashes)):
            note = f"{self.same:,} of {len(self.hashes):,}"
            self._report("error", "most pairs have identical sides", Place(str(self.part.source), note=note))
        self._examine_repetitions()
        self._examine_lengths()
        return self._found.listed()

    def size(self) -> PartSize:
        """Returns the size of this part."""
        return PartSize(self.part.name, min(self.lines), *self.words)

    def _place(self, number: int, note: str = "") -> Place:
        return Place(str(self.part.source), number, note, str(self.part.target), number)

    def _report(self, severity: Severity, check: str, place: Place, remedy: str = "") -> None:
        self._found.report(severity, check, place, remedy or _REMEDY[check])

    def _text(self, side: int, number: int, raw: bytes | None) -> str | None:
        if raw is None:
            return None
        self.lines[side] += 1
        path = str(self.part[1 + side])
        try:
            text = decode_line(raw, path, number)
        except InputError as error:
            place = Place(path, number, str(error).partition("invalid UTF-8 (")[2].replace(")", ""))
            self._report("error", "invalid UTF-8", place)
            return None
        words = count_words(text)
        self.words[side] += words
        self.returns[side] += text.count("\r")
        if words > self.max_words:
            self._report("warning", f"longer than {self.max_words} words", Place(path, number, f"{words} words"), _LONG)
        if "\0" in text:
            self._report("error", "NUL character", Place(path, number))
        if control := _CONTROLS.search(text):
            self._report("warning", "control character", Place(path, number, f"U+{ord(control.group()):04X}"))
        if "\ufffd" in text:
            self._report("warning", "U+FFFD: damaged by an earlier conversion", Place(path, number))
        return text

    def _examine_pair(self, number: int, source: str, target: str) -> None:
        blank = [not is_visible(text) for text in (source, target)]
        if any(blank):
            check = "both sides empty" if all(blank) else "one side empty"
            self._report("warning", check, self._place(number))
            return
        if source == target:
            self.same += 1
            self._report("warning", "both sides the same", Place(str(self.part.source), number))
        self.numbers.append(number)
        self.hashes.append(text_hash(f"{source}\n{target}"))
        for side, text in enumerate((source, target)):
            self.keys[side].append(sentence_key(text))
            self.lengths[side].append(len(text))

    def _examine_repetitions(self) -> None:
        _, first, group = np.unique(np.array(self.hashes), return_index=True, return_inverse=True)
        for index in np.flatnonzero(first[group] != np.arange(len(group))).tolist():
            note = f"repeats line {self.numbers[first[group[index]]]}"
            self._report("warning", "duplicate pair", self._place(self.numbers[index], note))

    def _examine_lengths(self) -> None:
        ratio = sum(self.lengths[1]) / max(sum(self.lengths[0]), 1)
        for index, lengths in enumerate(zip(*self.lengths, strict=True)):
            if length_deviation(*lengths, ratio) > self.max_deviation:
                place = self._place(self.numbers[index], f"{lengths[0]} and {lengths[1]} characters")
                self._report("warning", f"lengths differ by more than a factor of {self.max_deviation:g}", place, _ODD)
