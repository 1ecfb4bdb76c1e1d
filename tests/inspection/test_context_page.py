"""The page of lengths of context contains every number, and the picture every model."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seq2seq_tf.files import to_json
from seq2seq_tf.inspection.context_page import Contexts, Curve, as_json, figure, picture, rows, sections
from seq2seq_tf.inspection.page import page_html

ERRORS = {1: 0.01, 3: 0.02}
CURVES = [
    Curve("n-grams", "Kneser-Ney", 1234, None, {1: 3.5}, {1: 0.01}, None, None),
    Curve("ar3", "window 3", 77, 1500, {1: 6.0, 3: 2.5}, ERRORS, 2.5, 3),
    Curve("ar1", "window 1", 55, 1500, {1: 3.75, 3: 3.75}, ERRORS, 3.75, 1),
    Curve("<lstm>", "lstm", 88, 1500, {1: 4.0, 3: 3.0}, ERRORS, 1.875, None),
]
CONTEXTS = Contexts((1, 3), CURVES, 17, 1999, 2000, "characters")


def test_a_row_has_a_value_for_each_length_and_dashes_for_what_was_not_measured() -> None:
    columns, found = rows(CONTEXTS)
    assert columns == ["model", "kind", "parameters", "updates", "1", "3", "all"]
    assert found[0] == ["n-grams", "Kneser-Ney", "1,234", "-", "3.500", "-", "-"]
    assert found[3] == ["<lstm>", "lstm", "88", "1,500", "4.000", "3.000", "1.875"]


def test_the_page_contains_the_picture_and_all_numbers() -> None:
    page = page_html("Contexts", sections(CONTEXTS))
    assert page.count("<img") == 1
    assert "17 of the text&#39;s 1,999 tokens (characters)" in page
    assert "the standard error of each is at most 0.020" in page
    assert "&lt;lstm&gt;" in page
    assert all(value in page for row in rows(CONTEXTS)[1] for value in row[4:])
    assert picture(CONTEXTS).startswith(b"\x89PNG")


def test_windows_are_joined_to_one_curve_of_their_lengths() -> None:
    (axes,) = figure(CONTEXTS).axes
    lines = {line.get_label(): np.asarray(line.get_xydata()) for line in axes.lines}
    assert lines["window, AR(k)"].tolist() == [[1, 3.75], [3, 2.5]]
    assert lines["n-grams"].tolist() == [[1, 3.5]]
    assert "ar3" not in lines
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "3", "all"]
    assert {float(x) for places in lines.values() for x in places[:, 0]} == {1.0, 3.0, 6.0}


def test_numbers_of_json_are_those_of_the_curves() -> None:
    stored = json.loads(to_json(as_json(CONTEXTS)))
    assert stored["curves"][1]["values"] == {"1": 6.0, "3": 2.5}
    assert stored["curves"][1]["reach"] == 3
    assert (stored["targets"], stored["lengths"]) == (17, [1, 3])


def test_another_unit_scales_means_errors_and_the_value_of_all() -> None:
    half = CURVES[3].scaled(0.5)
    assert (half.values, half.errors, half.whole) == ({1: 2.0, 3: 1.5}, {1: 0.005, 3: 0.01}, pytest.approx(0.9375))
    assert CURVES[0].scaled(2.0).whole is None
