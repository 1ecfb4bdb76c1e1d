"""Finds translations that are missing or much too short, which an average score does not show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seq2seq_tf.text.lengths import character_ratio, length_deviation, length_ratio
from seq2seq_tf.text.scripts import is_visible

_TOO_SHORT = 2.0  # times shorter, in characters, than the corpus leads one to expect; short lines have some slack


class OutputLengths(NamedTuple):
    """Lengths of translations; lines are numbered from 1."""

    outputs: int
    ratio: float  # characters of all outputs / characters of all references
    empty: list[int]  # lines with a source text but no output
    short: list[int]  # other lines whose output is less than half the expected length


def output_lengths(sources: Sequence[str], outputs: Sequence[str], references: Sequence[str]) -> OutputLengths:
    """Compares outputs with the lengths that their sources lead one to expect.

    The expected length is that of the source times the ratio of all references to all sources, in characters.
    """
    expected = character_ratio(zip(sources, references, strict=True))
    empty, short = [], []
    for line, (source, output) in enumerate(zip(sources, outputs, strict=True), start=1):
        if is_visible(source) and not is_visible(output):
            empty.append(line)
        elif len(output) < expected * len(source) and length_deviation(len(source), len(output), expected) > _TOO_SHORT:
            short.append(line)
    return OutputLengths(len(outputs), length_ratio(outputs, references), empty, short)
