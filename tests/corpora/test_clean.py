"""The filter refuses pairs that do not help, and counts the reasons."""

import pytest

from seq2seq_tf.corpora.clean import PairFilter
from seq2seq_tf.errors import InputError


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("", "leer", "a side is empty"),
        ("empty", " \t", "a side is empty"),
        ("empty", "\u200b\ufeff", "a side is empty"),
        ("42 %", "42 Prozent", "a side has no letters"),
        ("The Tool.", "the tool", "both sides are the same"),
        ("a b c d e f g h", "a b", "longer than 7 words"),
        ("x" * 40, "y" * 200, "lengths differ by more than a factor of 3"),
        ("y" * 200, "x" * 40, "lengths differ by more than a factor of 3"),
    ],
)
def test_each_refusal_is_counted_with_its_reason(source: str, target: str, reason: str) -> None:
    chosen = PairFilter(ratio=1.0, max_words=7, max_deviation=3.0)
    assert not chosen.accepts(source, target)
    assert chosen.refused == {reason: 1}
    assert chosen.kept == 0


def test_a_pair_is_accepted_once() -> None:
    chosen = PairFilter(ratio=1.0, max_words=7, max_deviation=3.0)
    given = [("one", "eins"), ("one", "ein"), ("one", "eins"), ("oneeins", ""), ("on", "eeins")]
    assert [chosen.accepts(*pair) for pair in given] == [True, True, False, False, True]
    assert chosen.kept + sum(chosen.refused.values()) == len(given)


def test_a_limit_of_zero_means_no_limit() -> None:
    assert PairFilter(ratio=1.0, max_words=0, max_deviation=0).accepts("a " * 5000, "b")


def test_a_ratio_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        PairFilter(ratio=1.0, max_words=0, max_deviation=0.5)
