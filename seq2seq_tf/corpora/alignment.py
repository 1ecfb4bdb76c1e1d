"""Determines whether line N of one side translates line N of the other and, if not, where and by how much it shifts.

Two lines that translate each other have similar lengths and share numbers and names. For each shift k, the evidence
that source line i belongs to target line i + k is summed over the lines; the best path through the shifts, with a
penalty for each change, shows where a line is missing or extra.
"""

from __future__ import annotations

import functools
import re
from array import array
from typing import NamedTuple

import numpy as np
import scipy.sparse

_SHIFTS = np.arange(-5, 6)
_MIDDLE = 5  # index of shift 0
_STEP = 8  # lines decided together; the start of a shift is then located to the line
_PRICE = 30.0  # nats that a change of shift must gain: hardly ever reached by chance
_MIN_GAIN = 0.1  # nats per line that a shift must gain on average
_WINDOW = 65  # lines whose mean length is subtracted: in a corpus sorted by length, neighbours are no evidence
_STRONGEST = 4.0  # maximum nats from the length of a single line, and again from its shared numbers and names
_MIN_LINES = 30
_MIN_LINES_UNRELATED = 300
_MIN_T = 4.0
_ROUGH, _SMOOTH = 0.3, 0.9  # see `smoothness`: a file sorted by length has more than 0.9, its other side more than 0.3
_ANCHOR = re.compile(r"\d+|[A-Z][A-Za-z]+")


class Segment(NamedTuple):
    """Source lines [start, stop) whose translations are `shift` lines further down on the target side."""

    start: int
    stop: int
    shift: int


class LineShapes:
    """Features of the lines of one side: their lengths, and the numbers and names in them (as hashes)."""

    def __init__(self) -> None:
        self.lengths = array("L")
        self._anchors = array("q")
        self._anchor_lines = array("L")

    def add(self, text: str) -> None:
        """Adds the next line."""
        for anchor in set(_ANCHOR.findall(text)):
            short_number = anchor[0].isdigit() and len(anchor) < 10
            self._anchors.append(hash(str(int(anchor)) if short_number else anchor))  # ٣ is 3, 007 is 7
            self._anchor_lines.append(len(self.lengths))
        self.lengths.append(len(text))

    def deviations(self) -> np.ndarray:
        """Returns [lines] log lengths minus the mean of the surrounding lines, in standard deviations."""
        logs = np.log1p(np.array(self.lengths, np.float64))
        if not len(logs):
            return logs
        sums = np.concatenate([[0.0], np.cumsum(logs)])
        first = np.maximum(np.arange(len(logs)) - _WINDOW // 2, 0)
        last = np.minimum(first + _WINDOW, len(logs))
        deviations = logs - (sums[last] - sums[first]) / (last - first)
        spread = deviations.std()
        return np.clip(deviations / spread, -3.0, 3.0) if spread > 1e-3 else np.zeros(len(logs))

    def smoothness(self) -> float:
        """Returns the autocorrelation of log lengths at lag 1: near 1 if the lines are sorted by length."""
        logs = np.log1p(np.array(self.lengths, np.float64))
        logs -= logs.mean()
        return float(logs[:-1] @ logs[1:] / max(float(logs @ logs), 1e-9))

    def anchor_table(self, known: np.ndarray) -> scipy.sparse.csr_array:
        """Returns a matrix [lines, known] with a 1 for each anchor in a line; `known` contains sorted hashes."""
        anchors, lines = np.array(self._anchors, np.int64), np.array(self._anchor_lines, np.int64)
        kept = np.isin(anchors, known)
        columns = np.searchsorted(known, anchors[kept])
        shape = (len(self.lengths), len(known))
        return scipy.sparse.csr_array((np.ones(len(columns)), (lines[kept], columns)), shape=shape)

    def anchors(self) -> np.ndarray:
        """Returns the sorted hashes of all anchors."""
        return np.unique(np.array(self._anchors, np.int64))


class Alignment:
    """Judges the shifts between two sides.

    Args:
      source, target: features of the lines of both sides, which may differ in number.
    """

    def __init__(self, source: LineShapes, target: LineShapes) -> None:
        self.lines = min(len(source.lengths), len(target.lengths))
        self._deviations = source.deviations()[: self.lines], target.deviations()
        self._source, self._target = source, target

    @functools.cached_property
    def _evidence(self) -> np.ndarray:
        """[shifts, lines] evidence, in nats, that source line i and target line i + shift translate each other."""
        source, target = self._deviations
        known = np.intersect1d(self._source.anchors(), self._target.anchors(), assume_unique=True)
        tables = self._source.anchor_table(known)[: self.lines], self._target.anchor_table(known)
        share = (tables[1].sum(axis=0) + 1.0) / (len(target) + 1.0)
        overlaps = [_overlap(self.lines, len(target), int(shift)) for shift in _SHIFTS]
        found = max(float(np.mean(source[i] * target[j])) if len(i) else 0.0 for i, j in overlaps)
        correlation = min(max(found, 0.3), 0.9)
        evidence = np.zeros((len(_SHIFTS), self.lines))
        for row, (i, j) in zip(evidence, overlaps, strict=True):
            x, y = source[i], target[j]
            exponent = correlation**2 * (x * x + y * y) - 2.0 * correlation * x * y
            of_length = -0.5 * np.log(1.0 - correlation**2) - exponent / (2.0 * (1.0 - correlation**2))
            shared = tables[0][i].multiply(tables[1][j]) @ -np.log(share) / 2.0
            row[i] = np.clip(of_length, -_STRONGEST, _STRONGEST) + np.minimum(shared, _STRONGEST)
        return evidence

    def shifted(self) -> list[Segment]:
        """Returns the shifted segments from top to bottom; none if the lines match as they are."""
        if self.lines < _MIN_LINES:
            return []
        found = []
        for segment in self._segments():
            chosen = self._evidence[:, segment.start : segment.stop]
            own = chosen[segment.shift + _MIDDLE].sum()
            gain = own - np.delete(chosen, segment.shift + _MIDDLE, axis=0).sum(axis=1).max()
            if segment.shift and gain >= max(_PRICE, _MIN_GAIN * chosen.shape[1]):
                found.append(segment)
        return found

    def unrelated(self) -> bool:
        """Returns whether there is no evidence that lines match, neither as they are nor shifted by a few lines.

        Files sorted by length are not judged, since all neighbouring lines look alike.
        """
        source, target = self._deviations
        if self.lines < _MIN_LINES_UNRELATED or not source.any() or not target.any():
            return False
        order = sorted(shape.smoothness() for shape in (self._source, self._target))
        if order[0] > _ROUGH and order[1] > _SMOOTH:
            return False
        # Not compared with the mean of all: if long and short lines alternate, every second shift exceeds it.
        ranked = self._evidence[np.argsort(-self._evidence.sum(axis=1))]
        advantage = ranked[0] - ranked[1:4].mean(axis=0)
        return bool(advantage.mean() <= _MIN_T * advantage.std() / np.sqrt(self.lines))

    def distant_shift(self) -> int:
        """Returns the shift at which lengths agree best if it is large and clear, otherwise 0."""
        if self.lines < _MIN_LINES_UNRELATED:
            return 0
        source, target = self._deviations
        size = len(source) + len(target) - 1
        product = np.fft.rfft(target, size) * np.fft.rfft(source[::-1], size)
        agreement = np.fft.irfft(product, size) / self.lines  # of each lag, from 1 - lines upwards
        here = self.lines - 1
        lag = int(agreement.argmax())
        clear = agreement[lag] > max(10.0 / np.sqrt(self.lines), 2.0 * agreement[here])
        return lag - here if clear and abs(lag - here) > _SHIFTS[-1] else 0

    def _segments(self) -> list[Segment]:
        """Returns the segments of the best path through the shifts (Viterbi, 8 lines at a time)."""
        evidence = self._evidence
        blocks = np.add.reduceat(evidence, np.arange(0, self.lines, _STEP), axis=1)
        total = np.where(_SHIFTS == 0, 0.0, -_PRICE) + blocks[:, 0]
        came_from = np.zeros(blocks.T.shape, np.int8)
        for number, gained in enumerate(blocks.T[1:], start=1):
            best = total.argmax()
            changes = total < total[best] - _PRICE
            came_from[number] = np.where(changes, best, np.arange(len(total)))
            total = np.where(changes, total[best] - _PRICE, total) + gained
        course = [int(total.argmax())]
        for row in came_from[:0:-1]:
            course.append(int(row[course[-1]]))
        course.reverse()
        segments, start = [], 0
        for block in range(1, len(course)):
            before, after = course[block - 1], course[block]
            if before != after:
                low, high = max(start, (block - 8) * _STEP), min(self.lines, (block + 8) * _STEP)
                gains = np.cumsum(evidence[before, low:high] - evidence[after, low:high])
                stop = low + int(np.argmax([0.0, *gains]))
                segments.append(Segment(start, stop, before - _MIDDLE))
                start = stop
        return [*segments, Segment(start, self.lines, course[-1] - _MIDDLE)]


def _overlap(sources: int, targets: int, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices of source lines and of the target lines `shift` further down, where both exist."""
    lines = np.arange(max(0, -shift), max(0, min(sources, targets - shift)))
    return lines, lines + shift
