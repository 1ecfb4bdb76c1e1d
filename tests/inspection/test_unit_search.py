"""A unit planted to follow a property is found, scored on the other half, and linked on the page."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.page import page_html
from seq2seq_tf.inspection.readings import Reading
from seq2seq_tf.inspection.unit_search import (
    as_json,
    best_units,
    check_units,
    overview,
    picture_values,
    search_units,
    sections,
    shown_part,
)

LINE = 'x = f("ab", 1)  # y\n'
TEXT = LINE * 17
U = 7


def reading(rng: np.random.Generator, text: str = TEXT, side: str = "text") -> Reading:
    """Returns a reading: unit 3 is low inside quotes, unit 5 is the position in the line; the others are noise."""
    values = rng.normal(size=[len(text), U]).astype(np.float32)
    values[:, 3] = [-1.0 if LINE[n % len(LINE)] in "ab" else 1.0 for n in range(len(text))]
    values[:, 5] = [n % len(LINE) for n in range(len(text))]
    spans = np.stack([np.arange(len(text)), np.arange(len(text)) + 1], 1)
    return Reading(side, [text], list(text), spans, values, [f"layer_0/h/{n}" for n in range(U)])


def test_the_planted_units_are_the_best_of_their_properties(rng: np.random.Generator) -> None:
    search = search_units(reading(rng), "python", ["f"], top=3)
    best = best_units(search)
    assert best["inside_quotes"] == "layer_0/h/3"
    assert best["position_in_line"] == "layer_0/h/5"
    rows = {row[0]: row for row in overview(search)[1]}
    assert rows["inside_quotes"][2:] == ["layer_0/h/3", "low inside", "AUC", "1.000", "1.000"]
    assert rows["position_in_line"][2:6] == ["layer_0/h/5", "rising", "Spearman", "1.000"]
    assert "matches f" in rows
    assert "block_depth" in search.rankings.skipped


def test_only_the_named_units_are_ranked(rng: np.random.Generator) -> None:
    units = ["layer_0/h/5", "layer_0/h/0"]
    search = search_units(reading(rng), "text", [], top=5, units=units)
    assert {score.unit for ranking in search.rankings.rankings for score in ranking.scores} == set(units)
    assert best_units(search)["position_in_line"] == "layer_0/h/5"
    page = page_html("", sections(search, shown=1000, chosen=units))
    assert re.findall(r"<option[^>]*>(\S+)", page) == units


def test_the_error_for_an_unknown_unit_suggests_a_similar_one(rng: np.random.Generator) -> None:
    readings = [reading(rng), reading(rng)]
    check_units(readings, ["layer_0/h/0"])
    with pytest.raises(InputError, match=r"no unit 'layer_0/h/33' \(did you mean 'layer_0/h/3'.*layer_0/h/0 to"):
        check_units(readings, ["layer_0/h/33"])


def test_every_unit_of_a_table_can_be_chosen_for_the_text(rng: np.random.Generator) -> None:
    page = page_html("", sections(search_units(reading(rng), "python", [], top=2), shown=1000))
    linked = set(re.findall(r'href="#unit=([^"]+)"', page))
    assert "layer_0/h/3" in linked
    assert set(re.findall(r"<option[^>]*>(\S+)", page)) == linked
    assert "layer_0/h/3 (inside_quotes: AUC 1.00)" in page


def test_a_long_text_is_shown_from_its_scoring_half(rng: np.random.Generator) -> None:
    read = reading(rng)
    assert shown_part(read, 1000) == slice(0, len(TEXT))
    assert shown_part(read, 11) == slice(len(TEXT) // 2, len(TEXT) // 2 + 11)
    assert shown_part(read, len(TEXT) - 1) == slice(len(TEXT) // 2, len(TEXT))
    tokens, values = picture_values(read, "layer_0/h/5", 11)
    assert "".join(tokens) == TEXT[len(TEXT) // 2 :][:11]
    np.testing.assert_array_equal(values, read.values[len(TEXT) // 2 :][:11, 5])
    page = page_html("", sections(search_units(read, "python", [], top=2), shown=11))
    assert f"tokens {len(TEXT) // 2 + 1} to {len(TEXT) // 2 + 11}" in page
    assert page.count("<span>") + page.count('<span class="n">') == 11


def test_each_side_has_its_own_headings_and_pieces_are_explained(rng: np.random.Generator) -> None:
    read = reading(rng, side="source")
    joined = read._replace(
        tokens=[TEXT[n : n + 2] for n in range(0, len(TEXT), 2)],
        spans=read.spans[::2] + [0, 1],
        values=read.values[1::2],
    )
    search = search_units(joined, "text", [], top=2)
    page = page_html("", sections(search, shown=10))
    assert ">Source: best unit of each property</h2>" in page
    assert "properties of its last character" in page
    assert best_units(search)["position_in_line"] == "layer_0/h/5"


def test_the_whole_result_can_be_stored(rng: np.random.Generator) -> None:
    search = search_units(reading(rng), "python", [], top=2)
    stored = json.loads(json.dumps(as_json(search)))
    quotes = next(entry for entry in stored["properties"] if entry["name"] == "inside_quotes")
    assert quotes["units"][0]["unit"] == "layer_0/h/3"
    assert quotes["units"][0]["auc"] == 1.0
    assert len(quotes["units"]) == 2
