"""Units are ranked by exact measures on one half of the text and scored on the other."""

from __future__ import annotations

import re

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection import units
from seq2seq_tf.inspection.properties import Property
from seq2seq_tf.inspection.units import BinaryScore, NumberScore, per_piece, rank_units


def binary(values: np.ndarray, name: str = "inside") -> Property:
    return Property(name, "binary", np.asarray(values, bool), "")


def number(values: np.ndarray, name: str = "place") -> Property:
    return Property(name, "number", np.asarray(values, np.float32), "")


def names(count: int) -> list[str]:
    return [f"layer_0/h/{n}" for n in range(count)]


def plain_auc(values: np.ndarray, inside: np.ndarray) -> float:
    """Computes AUC by its definition: the share of pairs in which the value inside is higher; ties count half."""
    pairs = values[inside][:, None] - values[~inside][None, :]
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def plain_ranks(values: np.ndarray) -> np.ndarray:
    return np.array([np.sum(values < v) + (np.sum(values == v) + 1) / 2 for v in values])


def plain_correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


@pytest.mark.parametrize(("chunk", "steps"), [(1, 7), (300, 2), (10**6, 1000)])  # few steps: many ties
def test_every_unit_is_measured_by_the_definition_on_each_half(
    chunk: int, steps: int, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.setattr(units, "_CHUNK_VALUES", chunk)
    activations = (rng.integers(0, steps, (101, 13)) / 8 - 1).astype(np.float32)
    inside, place = rng.random(101) < 0.4, rng.integers(0, 9, 101)
    found = rank_units(activations, names(13), [binary(inside), number(place)], top=13).rankings
    first, second = activations[:50], activations[50:]
    for score in found[0].scores:
        assert isinstance(score, BinaryScore)
        u, sign = score.column, score.sign
        assert score.unit == f"layer_0/h/{u}"
        assert score.selected_by == pytest.approx(plain_auc(sign * first[:, u], inside[:50]))
        assert score.auc == pytest.approx(plain_auc(sign * second[:, u], inside[50:]))
    for score in found[1].scores:
        assert isinstance(score, NumberScore)
        u, sign = score.column, score.sign
        ranked = [plain_ranks(each) for each in (first[:, u], place[:50], second[:, u], place[50:])]
        assert score.selected_by == pytest.approx(sign * plain_correlation(*ranked[:2]))
        assert score.spearman == pytest.approx(sign * plain_correlation(*ranked[2:]))
        assert score.pearson == pytest.approx(sign * plain_correlation(second[:, u], place[50:]))
    for ranking in found:
        selected = [score.selected_by for score in ranking.scores]
        assert selected == sorted(selected, reverse=True)
        assert sorted(score.column for score in ranking.scores) == list(range(13))
    assert found[0].share == pytest.approx(inside[50:].mean())


@pytest.mark.parametrize("sign", [1, -1])
def test_a_planted_unit_is_found_first_with_its_sign(sign: int, rng: np.random.Generator) -> None:
    inside = np.repeat(rng.random(200) < 0.3, 10)  # in runs, as quotes are
    place = np.arange(2000) % 37
    activations = rng.normal(size=(2000, 53)).astype(np.float32)
    activations[:, 17] = np.tanh(sign * (2.0 * inside - 1.0) + rng.normal(scale=0.7, size=2000))
    activations[:, 41] = np.tanh(sign * place / 20 + rng.normal(scale=0.2, size=2000))
    first, second = rank_units(activations, names(53), [binary(inside), number(place)], top=3).rankings
    assert [len(first.scores), len(second.scores)] == [3, 3]
    best = first.scores[0]
    assert isinstance(best, BinaryScore)
    assert (best.unit, best.column, best.sign) == ("layer_0/h/17", 17, sign)
    assert best.auc > 0.9
    assert best.balanced_accuracy > 0.85
    assert best.f1 > 0.7
    best_number = second.scores[0]
    assert isinstance(best_number, NumberScore)
    assert (best_number.unit, best_number.sign) == ("layer_0/h/41", sign)
    assert min(best_number.spearman, best_number.pearson) > 0.8


def test_noise_scores_at_chance_even_if_the_best_units_are_chosen(rng: np.random.Generator) -> None:
    activations = rng.normal(size=(400, 500)).astype(np.float32)
    inside = np.arange(400) % 5 == 0
    best = rank_units(activations, names(500), [binary(inside)], top=20).rankings[0].scores
    assert np.mean([s.selected_by for s in best]) > 0.58  # the best of many look better than chance
    assert abs(np.mean([s.auc for s in best if isinstance(s, BinaryScore)]) - 0.5) < 0.06


def test_a_unit_that_reverses_in_the_second_half_scores_below_chance() -> None:
    inside = np.arange(40) % 2 == 0
    unit = np.where(np.arange(40) < 20, inside, ~inside).astype(np.float32)[:, None]
    score = rank_units(unit, names(1), [binary(inside)]).rankings[0].scores[0]
    assert isinstance(score, BinaryScore)
    assert (score.selected_by, score.auc, score.balanced_accuracy, score.f1) == (1.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_threshold_is_the_best_of_the_first_half_and_is_used_on_the_second(
    sign: int, rng: np.random.Generator
) -> None:
    inside = rng.random(120) < 0.4
    unit = (sign * (inside + rng.integers(-4, 5, 120) / 5)).astype(np.float32)
    score = rank_units(unit[:, None], names(1), [binary(inside)]).rankings[0].scores[0]
    assert isinstance(score, BinaryScore)
    assert score.sign == sign

    def balanced(threshold: float, half: slice) -> float:
        above = sign * unit[half] > sign * threshold
        return float(np.mean(above[inside[half]]) + np.mean(~above[~inside[half]])) / 2

    first, second = slice(0, 60), slice(60, 120)
    tries = [balanced(t, first) for t in np.arange(-3, 3, 0.05)]
    assert balanced(score.threshold, first) == pytest.approx(max(tries))
    assert score.balanced_accuracy == pytest.approx(balanced(score.threshold, second))
    above = sign * unit[second] > sign * score.threshold
    true = np.sum(above & inside[second])
    precision, recall = true / np.sum(above), true / np.sum(inside[second])
    assert score.f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_constant_unit_comes_last_with_a_score_at_chance() -> None:
    inside = np.arange(12) % 3 == 0
    activations = np.stack([np.full(12, 0.5), inside], 1).astype(np.float32)
    found = rank_units(activations, names(2), [binary(inside), number(np.arange(12))]).rankings
    assert [score.column for score in found[0].scores] == [1, 0]
    last = found[0].scores[1]
    assert isinstance(last, BinaryScore)
    assert (last.selected_by, last.auc, last.balanced_accuracy) == (0.5, 0.5, 0.5)
    constant = next(score for score in found[1].scores if score.column == 0)
    assert isinstance(constant, NumberScore)
    assert (constant.selected_by, constant.spearman, constant.pearson) == (0.0, 0.0, 0.0)


def test_a_property_that_does_not_vary_in_each_half_is_skipped_and_named(rng: np.random.Generator) -> None:
    activations = rng.normal(size=(20, 2)).astype(np.float32)
    late = np.arange(20) > 15
    some = np.arange(20) % 2 == 0
    found = rank_units(activations, names(2), [binary(late, "late"), binary(some, "some"), number(np.ones(20), "one")])
    assert [r.property.name for r in found.rankings] == ["some"]
    assert found.skipped == ["late", "one"]
    assert rank_units(activations, names(2), [binary(late)]) == ([], ["inside"])


def test_the_error_for_values_that_are_not_numbers_names_the_unit() -> None:
    activations = np.zeros((20, 5), np.float32)
    activations[15, 3] = np.nan
    with pytest.raises(InputError, match="layer_0/h/3"):
        rank_units(activations, names(5), [number(np.arange(20))])


def test_a_text_too_short_to_halve_is_an_error() -> None:
    with pytest.raises(InputError, match="3 tokens"):
        rank_units(np.zeros((3, 1), np.float32), names(1), [])


@pytest.mark.parametrize(("count", "length"), [(2, 20), (3, 19)])
def test_mismatched_sizes_are_an_error(count: int, length: int) -> None:
    with pytest.raises(ValueError, match=re.escape("[20, 3]")):
        rank_units(np.zeros((20, 3), np.float32), names(count), [number(np.arange(length))])


def test_a_piece_has_the_property_of_its_last_character() -> None:
    found = per_piece([number(np.array([5, 6, 7, 8, 9]))], np.array([[0, 0], [0, 2], [2, 3], [3, 5], [5, 5]]))
    assert found[0].values.tolist() == [5, 6, 7, 9, 9]  # empty pieces: before the text and at its end
    assert per_piece([binary(np.array([True, False]))], np.array([[0, 2]]))[0].values.tolist() == [False]


def test_a_table_has_a_cell_per_column(rng: np.random.Generator) -> None:
    activations = rng.normal(size=(50, 3)).astype(np.float32)
    for ranking in rank_units(activations, names(3), [binary(rng.random(50) < 0.5), number(np.arange(50))]).rankings:
        columns, rows = units.table(ranking)
        assert len(rows) == 3
        assert all(len(row) == len(columns) for row in rows)
        assert rows[0][0] == ranking.scores[0].unit


def test_memory_mapped_activations_are_ranked_like_those_in_memory(tmp_path: object, rng: np.random.Generator) -> None:
    activations = rng.normal(size=(60, 7)).astype(np.float32)
    np.save(f"{tmp_path}/a.npy", activations)
    properties = [binary(np.arange(60) % 3 == 0)]
    mapped = np.load(f"{tmp_path}/a.npy", mmap_mode="r")
    found, expected = (rank_units(each, names(7), properties).rankings[0].scores for each in (mapped, activations))
    assert found == expected
