"""The evidence of lengths, numbers and names shows by how many lines two sides are shifted, and where."""

from __future__ import annotations

import random

from seq2seq_tf.corpora.alignment import Alignment, LineShapes, Segment
from tests import invented
from tests.invented import LINES

SOURCES, TARGETS = invented.sides()


def aligned(sources: list[str], targets: list[str]) -> Alignment:
    shapes = LineShapes(), LineShapes()
    for shape, lines in zip(shapes, (sources, targets), strict=True):
        for line in lines:
            shape.add(line)
    return Alignment(*shapes)


def test_aligned_lines_are_neither_shifted_nor_unrelated() -> None:
    found = aligned(SOURCES, TARGETS)
    assert (found.lines, found.shifted(), found.distant_shift(), found.unrelated()) == (LINES, [], 0, False)


def test_a_shift_is_found_with_its_sign_and_its_lines() -> None:
    assert aligned(SOURCES, TARGETS[1:]).shifted() == [Segment(0, LINES - 1, -1)]
    assert aligned(SOURCES[1:], TARGETS).shifted() == [Segment(0, LINES - 1, 1)]


def test_a_shift_in_the_middle_is_located() -> None:
    (segment,) = aligned(SOURCES, [*TARGETS[:100], "surplus.", *TARGETS[100:300], *TARGETS[301:]]).shifted()
    assert segment.shift == 1
    assert abs(segment.start - 100) <= 8
    assert abs(segment.stop - 300) <= 8


def test_a_large_shift_is_found_from_lengths_only() -> None:
    assert aligned(SOURCES[:-50], TARGETS[50:]).distant_shift() == -50
    assert aligned(SOURCES[50:], TARGETS[:-50]).distant_shift() == 50


def test_shuffled_lines_are_unrelated_and_few_lines_are_not_judged() -> None:
    shuffled = random.Random(7).sample(TARGETS, LINES)
    assert aligned(SOURCES, shuffled).unrelated()
    assert not aligned(SOURCES[:9], shuffled[:9]).unrelated()
    assert aligned(SOURCES[:5], TARGETS[1:6]).shifted() == []


def test_numbers_are_the_same_in_any_digits_and_with_leading_zeros() -> None:
    shapes = LineShapes(), LineShapes()
    shapes[0].add("Room 7 and Tanaka")
    shapes[1].add("Zimmer \u0667, 007, Tanaka")
    assert len({*shapes[0].anchors()} & {*shapes[1].anchors()}) == 2  # the room and the name
