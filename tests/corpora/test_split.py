"""Train, valid and test share no sentence, whatever the corpus."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.corpora.split import Split, split_pairs
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import Pair, normalised

WORDS = ["ja", "nein", "Ja!", "doch", "na ja", "…", "?"]
TEXTS = st.sampled_from(WORDS) | st.integers(0, 400).map(str)  # the same numbers on both sides
CROWDED = st.lists(st.tuples(TEXTS, TEXTS), min_size=9, max_size=60)


def sentences_of(corpus: list[Pair], indices: np.ndarray) -> set[str]:
    return {normalised(text) for index in indices for text in corpus[index]}


def contents(corpus: list[Pair], split: Split) -> list[list[Pair]]:
    return [sorted(corpus[index] for index in part) for part in split]


def distinct(count: int) -> list[Pair]:
    return [(f"source {number}", f"Quelle {number}") for number in range(count)]


@given(corpus=CROWDED, seed=st.integers(), valid=st.integers(0, 3), test=st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_no_sentence_is_in_two_parts_and_sizes_are_exact(corpus: list[Pair], seed: int, valid: int, test: int) -> None:
    try:
        split = split_pairs(corpus, valid=valid, test=test, seed=seed)
    except InputError:
        return  # too few can be held out
    assert (len(split.valid), len(split.test)) == (valid, test)
    assert sorted(np.concatenate(split)) == list(range(len(corpus)))
    parts = [sentences_of(corpus, part) for part in split]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]


def test_a_long_chain_of_shared_sentences_is_one_component() -> None:
    chain = [(f"w{number}", f"w{number + 1}") for number in range(500)]
    random.Random(3).shuffle(chain)
    corpus = [*chain, ("alone", "allein")]
    split = split_pairs(corpus, valid=0, test=1, seed=7)
    assert [corpus[index] for index in split.test] == [("alone", "allein")]
    with pytest.raises(InputError, match="only 1 of the 2 pairs requested for test"):
        split_pairs(corpus, valid=0, test=2, seed=7)


@settings(deadline=None)
@given(order=st.randoms(), seed=st.integers())
def test_the_order_of_the_input_does_not_matter(order: random.Random, seed: int) -> None:
    corpus = distinct(31)
    shuffled = corpus.copy()
    order.shuffle(shuffled)
    first = split_pairs(corpus, valid=3, test=5, seed=seed)
    second = split_pairs(shuffled, valid=3, test=5, seed=seed)
    assert contents(corpus, first) == contents(shuffled, second)


def test_parts_keep_the_order_of_the_input() -> None:
    for part in split_pairs(distinct(101), valid=11, test=13, seed=5):
        assert list(part) == sorted(part)


def test_the_test_set_does_not_depend_on_the_size_of_valid() -> None:
    tests = [split_pairs(distinct(101), valid=valid, test=13, seed=5).test.tolist() for valid in (0, 7, 50)]
    assert tests[0] == tests[1] == tests[2]


def test_different_seeds_choose_different_pairs_and_the_same_seed_the_same() -> None:
    tests = [split_pairs(distinct(1009), valid=0, test=101, seed=seed).test.tolist() for seed in (1, 2, 1)]
    assert tests[0] == tests[2]
    assert len(set(tests[0]) & set(tests[1])) < 40  # 10 expected by chance


def test_more_data_changes_few_choices() -> None:
    before = split_pairs(distinct(1000), valid=0, test=100, seed=1)
    after = split_pairs(distinct(1100), valid=0, test=100, seed=1)
    assert len(set(before.test) & set(after.test)) > 75


def test_choices_are_spread_over_the_corpus() -> None:
    test = split_pairs(distinct(10_007), valid=0, test=1000, seed=1).test
    assert all(130 < count < 270 for count in np.histogram(test, bins=5)[0])


def test_pairs_whose_sentences_repeat_are_held_out_last() -> None:
    corpus = [*distinct(7), ("ja", "yes"), ("ja", "yeah"), ("Ja.", "aye")]
    split = split_pairs(corpus, valid=3, test=6, seed=3)
    assert max(split.test) < 7
    assert split.valid.tolist() == [7, 8, 9]  # only they fit: a single pair is left for train


def test_unsuitable_pairs_and_all_connected_to_them_stay_in_train() -> None:
    corpus = [*distinct(5), ("long", "lang"), ("long", "weit")]
    split = split_pairs(corpus, valid=0, test=5, seed=3, suitable=lambda source, target: target != "lang")
    assert split.train.tolist() == [5, 6]


@pytest.mark.parametrize(("valid", "test"), [(5, 6), (11, 0), (0, 11), (12, 0)])
def test_requesting_too_many_pairs_is_refused(valid: int, test: int) -> None:
    with pytest.raises(InputError, match="11 pairs are too few"):
        split_pairs(distinct(11), valid=valid, test=test, seed=1)


def test_an_empty_corpus_is_refused() -> None:
    with pytest.raises(InputError, match="0 pairs are too few"):
        split_pairs([], valid=0, test=0, seed=1)
