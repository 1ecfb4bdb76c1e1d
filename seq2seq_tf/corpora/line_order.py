"""Detection of misaligned lines: a line is missing or extra, or the files do not belong together."""

from __future__ import annotations

import numpy as np

from seq2seq_tf.corpora.alignment import Alignment, LineShapes, Segment
from seq2seq_tf.corpora.findings import EXAMPLES, Finding, Place, Severity
from seq2seq_tf.corpora.part_text import PartText

_SENTENCE = 15  # characters
_RUINOUS_SHARE = 0.01  # of the lines: more misaligned ones are an error


def check_line_order(text: PartText) -> list[Finding]:
    """Reports where line N of one side is not the translation of line N of the other."""
    shapes = LineShapes(), LineShapes()
    for pair in text.lines():
        for shape, line in zip(shapes, pair, strict=True):
            if line is not None:
                shape.add(line)
    alignment = Alignment(*shapes)
    if shifted := alignment.shifted():
        return _shifted(text, alignment.lines, shifted)
    if lag := alignment.distant_shift():
        return _shifted(text, alignment.lines, [Segment(max(0, -lag), alignment.lines - max(0, lag), lag)])
    if alignment.unrelated():
        check = "line N of one side is unrelated to line N of the other"
        remedy = "check that both files contain the same text and that neither was sorted or shuffled"
        sentences = min(np.mean(shape.lengths) for shape in shapes) >= _SENTENCE  # single words are weak evidence
        severity: Severity = "error" if sentences else "warning"
        return [Finding(severity, text.part.name, check, alignment.lines, (_place(text, 0, 0),), remedy)]
    return []


def _shifted(text: PartText, lines: int, segments: list[Segment]) -> list[Finding]:
    """Returns one finding for all segments, with the first segments as examples."""
    count = sum(segment.stop - segment.start for segment in segments)
    places = []
    for start, stop, shift in segments[:EXAMPLES]:
        note = f"up to line {stop:,}, target line N{shift:+d} translates source line N"
        places.append(_place(text, max(start, -shift), shift, note))
    remedy = "a line is missing or extra near that place: fix it there, or align the texts again"
    severity: Severity = "error" if count > _RUINOUS_SHARE * lines else "warning"
    return [Finding(severity, text.part.name, "lines shifted relative to each other", count, tuple(places), remedy)]


def _place(text: PartText, line: int, shift: int, note: str = "") -> Place:
    return Place(str(text.part.source), line + 1, note, str(text.part.target), line + 1 + shift)
