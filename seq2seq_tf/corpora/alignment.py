"""Do line N of both sides belong together? And if not: which lines do, and from where on?

Two lines that translate each other agree in length and share numbers and names. For each shift k the evidence that
source line i goes with target line i + k is summed over the lines; the best course through the shifts, at a price
for each change, tells where a line is missing or surplus.
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
_STEP = 8  # lines decided together; where a shift begins is then looked for line by line
_PRICE = 30.0  # nats that a change of the shift must bring: chance alone brings so many about never
_MIN_GAIN = 0.1  # nats a line that a shift must bring on average
_WINDOW = 65  # lines whose mean length is taken off: a corpus sorted by length says nothing of its neighbours
_STRONGEST = 4.0  # nats that a single line may bring by its length, and again by what it shares
_MIN_LINES = 30
_MIN_LINES_UNRELATED = 300
_MIN_T = 4.0
_ROUGH, _SMOOTH = 0.3, 0.9  # see `smoothness`: a file sorted by length is above 0.9, the other side of it above 0.3
_ANCHOR = re.compile(r"\d+|[A-Z][A-Za-z]+")


class Segment(NamedTuple):
    """Source lines [start, stop) whose translations stand `shift` lines further down on the target side."""

    start: int
    stop: int
    shift: int


class LineShapes:
    """What matters of the lines of one side: lengths, and the numbers and names in them (as hashes)."""

    def __init__(self) -> None:
        self.lengths = array("L")
        self._anchors = array("q")
        self._anchor_lines = array("L")

    def add(self, text: str) -> None:
        """Takes the next line."""
        for anchor in set(_ANCHOR.findall(text)):
            short_number = anchor[0].isdigit() and len(anchor) < 10
            self._anchors.append(hash(str(int(anchor)) if short_number else anchor))  # ٣ is 3, 007 is 7
            self._anchor_lines.append(len(self.lengths))
        self.lengths.append(len(text))

    def deviations(self) -> np.ndarray:
        """Returns [lines] log lengths above those of the lines around, in standard deviations."""
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
        """Returns how log lengths of neighbouring lines correlate: near 1 if the lines are sorted by length."""
        logs = np.log1p(np.array(self.lengths, np.float64))
        logs -= logs.mean()
        return float(logs[:-1] @ logs[1:] / max(float(logs @ logs), 1e-9))

    def anchor_table(self, known: np.ndarray) -> scipy.sparse.csr_array:
        """Returns [lines, known] with a 1 for each anchor of a line; `known` are sorted hashes."""
        anchors, lines = np.array(self._anchors, np.int64), np.array(self._anchor_lines, np.int64)
        kept = np.isin(anchors, known)
        columns = np.searchsorted(known, anchors[kept])
        shape = (len(self.lengths), len(known))
        return scipy.sparse.csr_array((np.ones(len(columns)), (lines[kept], columns)), shape=shape)

    def anchors(self) -> np.ndarray:
        """Returns the sorted hashes of the anchors that occur."""
        return np.unique(np.array(self._anchors, np.int64))


class Alignment:
    """The evidence for each shift.

    Args:
      source, target: lines of both sides; their numbers may differ.
    """

    def __init__(self, source: LineShapes, target: LineShapes) -> None:
        self.lines = min(len(source.lengths), len(target.lengths))
        self._deviations = source.deviations()[: self.lines], target.deviations()
        self._source, self._target = source, target

    @functools.cached_property
    def _evidence(self) -> np.ndarray:
        """[shifts, lines] nats that speak for source line i and target line i + shift translating each other."""
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
        """Returns the segments that are shifted, from top to bottom; none where lines belong together as they are."""
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
        """Returns whether nothing shows that lines belong together, neither as they are nor a few lines off.

        Files sorted by length are not judged: all their neighbours look alike.
        """
        source, target = self._deviations
        if self.lines < _MIN_LINES_UNRELATED or not source.any() or not target.any():
            return False
        order = sorted(shape.smoothness() for shape in (self._source, self._target))
        if order[0] > _ROUGH and order[1] > _SMOOTH:
            return False
        # Not compared with the mean of all: where long and short lines alternate, every second shift is above it.
        ranked = self._evidence[np.argsort(-self._evidence.sum(axis=1))]
        advantage = ranked[0] - ranked[1:4].mean(axis=0)
        return bool(advantage.mean() <= _MIN_T * advantage.std() / np.sqrt(self.lines))

    def distant_shift(self) -> int:
        """Returns by how many lines lengths agree best where that is far away and clear, otherwise 0."""
        if self.lines < _MIN_LINES_UNRELATED:
            return 0
        source, target = self._deviations
        size = len(source) + len(target) - 1
        product = np.fft.rfft(target, size) * np.fft.rfft(source[::-1], size)
        agreement = np.fft.irfft(product, size) / self.lines  # of each lag, from 1 - lines on
        here = self.lines - 1
        lag = int(agreement.argmax())
        clear = agreement[lag] > max(10.0 / np.sqrt(self.lines), 2.0 * agreement[here])
        return lag - here if clear and abs(lag - here) > _SHIFTS[-1] else 0

    def _segments(self) -> list[Segment]:
        """The best course through the shifts (Viterbi, 8 lines at a time)."""
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
    """Returns the numbers of source lines, and of the target lines `shift` further down, where both exist."""
    lines = np.arange(max(0, -shift), max(0, min(sources, targets - shift)))
    return lines, lines + shift
