"""Which translations are missing or much too short: what an average score does not show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seq2seq_tf.text.lengths import character_ratio, length_deviation, length_ratio
from seq2seq_tf.text.scripts import is_visible

_TOO_SHORT = 2.0  # times shorter than the corpus lets expect, in characters; short lines have some slack


class OutputLengths(NamedTuple):
    """How long translations are; lines are numbered from 1."""

    outputs: int
    ratio: float  # characters of all outputs / characters of all references
    empty: list[int]  # lines without an output although their source has text
    short: list[int]  # other lines whose output is less than half as long as the corpus lets expect


def output_lengths(sources: Sequence[str], outputs: Sequence[str], references: Sequence[str]) -> OutputLengths:
    """Compares outputs with their sources, by the lengths of all references and all sources."""
    expected = character_ratio(zip(sources, references, strict=True))
    empty, short = [], []
    for line, (source, output) in enumerate(zip(sources, outputs, strict=True), start=1):
        if is_visible(source) and not is_visible(output):
            empty.append(line)
        elif len(output) < expected * len(source) and length_deviation(len(source), len(output), expected) > _TOO_SHORT:
            short.append(line)
    return OutputLengths(len(outputs), length_ratio(outputs, references), empty, short)
