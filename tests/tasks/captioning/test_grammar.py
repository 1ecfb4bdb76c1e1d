"""Each scene has one caption, and captions are scored word for word."""

from __future__ import annotations

import itertools

import pytest

from seq2seq_tf.tasks.captioning.grammar import (
    DIGITS,
    PLACES,
    RELATIONS,
    Tally,
    all_words,
    digits_of,
    layout_of,
    place_caption,
    relation_caption,
    relations_of,
    score_captions,
)


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        (place_caption(5, 0, 0), "a five at the top left"),
        (place_caption(8, 1, 1), "an eight in the middle"),
        (relation_caption(7, {"above": 3}), "a seven above a three"),
        (relation_caption(2, {"left": 8}), "a two to the left of an eight"),
        (relation_caption(7, {"left": 9, "below": 3}), "a seven below a three and to the left of a nine"),
    ],
)
def test_captions_read_naturally(caption: str, text: str) -> None:
    assert caption == text


def test_different_scenes_have_different_captions() -> None:
    places = [place_caption(d, r, c) for d, r, c in itertools.product(range(10), range(3), range(3))]
    pairs = [relation_caption(d, {r: o}) for d, o, r in itertools.product(range(10), range(10), RELATIONS)]
    triples = [
        relation_caption(d, {r: o, s: p})
        for (r, s) in itertools.combinations(RELATIONS, 2)
        for d, o, p in itertools.product(range(10), repeat=3)
    ]
    every = [*places, *pairs, *triples]
    assert len(set(every)) == len(every) == 90 + 400 + 6000
    assert {word for caption in every for word in caption.split()} == set(all_words())


def test_the_others_are_named_in_reading_order_whatever_the_order_of_the_argument() -> None:
    assert relation_caption(1, {"above": 2, "below": 3}) == relation_caption(1, {"below": 3, "above": 2})
    assert digits_of(relation_caption(1, {"above": 2, "below": 3})) == ["one", "three", "two"]


@pytest.mark.parametrize("relation", RELATIONS)
def test_relations_are_found_in_a_caption(relation: str) -> None:
    assert relations_of(relation_caption(8, {relation: 8})) == [relation]
    others = {name: 8 for name in RELATIONS if name != relation}
    assert relations_of(relation_caption(8, others)) == list(others)


def test_the_place_of_a_single_digit_contains_no_relation() -> None:
    assert all(not relations_of(place_caption(1, r, c)) for r in range(3) for c in range(3))
    assert len({text for row in PLACES for text in row}) == 9


def test_a_layout_omits_only_the_digit_names() -> None:
    same = {layout_of(relation_caption(d, {"left": o})) for d in range(10) for o in range(10)}
    assert same == {"# # to the left of # #"}


def test_scores_count_captions_digits_layouts_and_relations() -> None:
    references = [
        "a one above a two",
        "an eight in the middle",
        "a two below a one and above a three",
        "a six on the left",
    ]
    captions = ["a one above a two", "a three in the middle", "a two below a three and above a three", "a six"]
    scores = score_captions(captions, references)
    assert scores.exact == Tally(1, 4)
    assert scores.digit_names == Tally(5, 7)
    assert scores.layouts == Tally(3, 4)
    assert scores.by_digits == {1: Tally(0, 2), 2: Tally(1, 1), 3: Tally(0, 1)}
    assert scores.by_relation == {"below": Tally(0, 1), "above": Tally(1, 2)}
    assert scores.exact.share == 0.25


def test_a_caption_without_digits_has_none_right() -> None:
    assert score_captions([""], ["a one above a two"]).digit_names == Tally(0, len(digits_of("one two")))
    assert set(DIGITS) <= set(all_words())


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        score_captions(["a one"], [])
