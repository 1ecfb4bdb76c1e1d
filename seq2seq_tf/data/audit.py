"""What is wrong with a parallel corpus: line counts, broken text, odd pairs, test sentences in training."""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from seq2seq_tf.data.clean import length_deviation
from seq2seq_tf.data.pairs import decode_line, iter_raw_lines, sentence_key, text_hash
from seq2seq_tf.data.sentences import count_words
from seq2seq_tf.errors import InputError

Severity = Literal["error", "warning"]

EXAMPLES = 3  # kept of each finding
_CONTROLS = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class Part(NamedTuple):
    """One part of a corpus: its name (train, valid, test...) and its two files."""

    name: str
    source: Path
    target: Path


class PartSize(NamedTuple):
    """How much a part holds: pairs of lines, and words on both sides."""

    name: str
    pairs: int
    source_words: int
    target_words: int


class Finding(NamedTuple):
    """One kind of flaw in one part: how often it was found, and where first, as `file:line`."""

    severity: Severity
    part: str
    check: str
    times: int
    examples: tuple[str, ...]


class Audit(NamedTuple):
    """The sizes of all parts and the findings, errors first."""

    sizes: tuple[PartSize, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """The number of findings that are errors."""
        return sum(finding.severity == "error" for finding in self.findings)


def find_parts(folder: Path, source_language: str, target_language: str) -> list[Part]:
    """Finds NAME.SOURCE with NAME.TARGET in a folder, plain or `.gz`: train first, then valid, then others.

    Raises:
      InputError: no folder, no such files, or one side of a part is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    names = {
        path.name.removesuffix(".gz").removesuffix(f".{language}")
        for language in (source_language, target_language)
        for path in [*folder.glob(f"*.{language}"), *folder.glob(f"*.{language}.gz")]
    }
    if not names:
        raise InputError(f"{folder}: no files NAME.{source_language} and NAME.{target_language} in it")
    order = ["train", "valid"]
    ranked = sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [part_at(folder / name, name, source_language, target_language) for name in ranked]


def part_at(prefix: Path, name: str, source_language: str, target_language: str) -> Part:
    """Returns the part with files PREFIX.LANGUAGE or PREFIX.LANGUAGE.gz.

    Raises:
      InputError: one is missing.
    """
    files = []
    for language in (source_language, target_language):
        plain = prefix.with_name(f"{prefix.name}.{language}")
        found = [path for path in (plain, plain.with_name(f"{plain.name}.gz")) if path.exists()]
        if not found:
            raise InputError(f"{plain}: no such file")
        files.append(found[0])
    return Part(name, *files)


def audit(parts: Sequence[Part], *, max_words: int, max_deviation: float) -> Audit:
    """Examines all parts, one line at a time; only hashes and lengths are kept.

    Args:
      parts: leaks are looked for from `train` to all others and from `valid` to `test...`.
      max_words: longer lines are reported.
      max_deviation: pairs with a greater `length_deviation` from their part's own ratio are reported.

    Raises:
      InputError: a file cannot be read at all.
    """
    examined = {part.name: _Examination(part, max_words, max_deviation) for part in parts}
    findings = [finding for examination in examined.values() for finding in examination.findings()]
    for earlier, later in itertools.permutations(examined, 2):
        if earlier == "train" or (earlier == "valid" and later.startswith("test")):
            findings += _leaks(examined[earlier], examined[later])
    findings.sort(key=lambda finding: finding.severity)  # "error" comes before "warning"
    return Audit(tuple(examination.size() for examination in examined.values()), tuple(findings))


class _Examination:
    """Reads one part, line by line, and keeps what its findings and the search for leaks need."""

    def __init__(self, part: Part, max_words: int, max_deviation: float) -> None:
        self.part = part
        self.max_words = max_words
        self.max_deviation = max_deviation
        self.lines = [0, 0]
        self.words = [0, 0]
        self.numbers = array("Q")  # of the lines with text on both sides; the arrays below go with it
        self.hashes = array("Q")
        self.keys = array("Q"), array("Q")
        self.lengths = array("Q"), array("Q")
        self._found: dict[tuple[Severity, str], tuple[int, tuple[str, ...]]] = {}
        files = iter_raw_lines(part.source), iter_raw_lines(part.target)
        for number, raw in enumerate(itertools.zip_longest(*files), start=1):
            texts = [self._text(side, number, line) for side, line in enumerate(raw)]
            if texts[0] is not None and texts[1] is not None:
                self._examine_pair(number, texts[0], texts[1])

    def findings(self) -> list[Finding]:
        """Returns what was found in this part alone."""
        if self.lines[0] != self.lines[1]:
            where = f"{self.part.source} has {self.lines[0]:,}, {self.part.target} has {self.lines[1]:,}"
            self._report("error", "different numbers of lines", where)
        if not self.hashes:
            self._report("error", "no pair with text on both sides", str(self.part.source))
        self._examine_repetitions()
        self._examine_lengths()
        return [Finding(severity, self.part.name, check, *found) for (severity, check), found in self._found.items()]

    def size(self) -> PartSize:
        """Returns the size of this part."""
        return PartSize(self.part.name, min(self.lines), *self.words)

    def where(self, index: int, side: int = 0) -> str:
        """Returns file:line of the pair at `index` of the arrays."""
        return f"{self.part[1 + side]}:{self.numbers[index]}"

    def _report(self, severity: Severity, check: str, where: str) -> None:
        count, examples = self._found.get((severity, check), (0, ()))
        self._found[severity, check] = count + 1, examples if count >= EXAMPLES else (*examples, where)

    def _text(self, side: int, number: int, raw: bytes | None) -> str | None:
        if raw is None:
            return None
        self.lines[side] += 1
        where = f"{self.part[1 + side]}:{number}"
        try:
            text = decode_line(raw, self.part[1 + side], number)
        except InputError as error:
            self._report("error", "invalid UTF-8", str(error).replace(" invalid UTF-8", ""))
            return None
        words = count_words(text)
        self.words[side] += words
        if words > self.max_words:
            self._report("warning", f"longer than {self.max_words} words", f"{where} ({words} words)")
        if "\0" in text:
            self._report("error", "NUL character", where)
        if control := _CONTROLS.search(text):
            self._report("warning", "control character", f"{where} (U+{ord(control.group()):04X})")
        if "\ufffd" in text:
            self._report("warning", "U+FFFD: broken when the text was made", where)
        return text

    def _examine_pair(self, number: int, source: str, target: str) -> None:
        blank = [not text.strip() for text in (source, target)]
        if any(blank):
            check = "both sides empty" if all(blank) else "one side empty"
            self._report("warning", check, f"{self.part[1 + blank.index(True)]}:{number}")
            return
        if source == target:
            self._report("warning", "both sides the same", f"{self.part.source}:{number}")
        self.numbers.append(number)
        self.hashes.append(text_hash(f"{source}\n{target}"))
        for side, text in enumerate((source, target)):
            self.keys[side].append(sentence_key(text))
            self.lengths[side].append(len(text))

    def _examine_repetitions(self) -> None:
        _, first, group = np.unique(np.array(self.hashes), return_index=True, return_inverse=True)
        for index in np.flatnonzero(first[group] != np.arange(len(group))).tolist():
            where = f"{self.where(index)} repeats line {self.numbers[first[group[index]]]}"
            self._report("warning", "pair occurred before", where)

    def _examine_lengths(self) -> None:
        ratio = sum(self.lengths[1]) / max(sum(self.lengths[0]), 1)
        for index, lengths in enumerate(zip(*self.lengths, strict=True)):
            if length_deviation(*lengths, ratio) > self.max_deviation:
                where = f"{self.where(index)} ({lengths[0]} against {lengths[1]} characters)"
                self._report("warning", f"lengths differ by more than {self.max_deviation:g} times", where)


def _leaks(earlier: _Examination, later: _Examination) -> list[Finding]:
    """Pairs of `later` that `earlier` holds too: as a pair (an error), or one side of them."""
    positions: list[dict[int, int]] = []  # of the sentences of `later` in `earlier`, for each side
    for earlier_keys, later_keys in zip(earlier.keys, later.keys, strict=True):
        sought = set(later_keys)
        hits = [(key, index) for index, key in enumerate(earlier_keys) if key in sought]
        positions.append(dict(reversed(hits)))  # the first place of each
    both = set(zip(*later.keys, strict=True)).intersection(zip(*earlier.keys, strict=True))
    found: dict[tuple[Severity, str], list[str]] = {}
    for index, pair in enumerate(zip(*later.keys, strict=True)):
        side = 0 if pair[0] in positions[0] else 1 if pair[1] in positions[1] else None
        if side is not None:
            whole = pair in both
            check = f"{'pair' if whole else 'one side'} stands in {earlier.part.name}"
            where = f"{later.where(index, side)} = {earlier.where(positions[side][pair[side]], side)}"
            found.setdefault(("error" if whole else "warning", check), []).append(where)
    return [
        Finding(severity, later.part.name, check, len(where), tuple(where[:EXAMPLES]))
        for (severity, check), where in found.items()
    ]
