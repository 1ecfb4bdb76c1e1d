"""The synthetic corpus has the requested size, no repetition, and the lengths of the real corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.synthetic import iter_recombined, write_recombined
from seq2seq_tf.errors import InputError

PAIRS = [(f"a{n} b{n} c{n}", f"x{n} y{n}") for n in range(11)]


def test_the_first_pairs_are_the_given_ones() -> None:
    assert list(iter_recombined(PAIRS, 11)) == PAIRS


def test_no_two_pairs_are_alike() -> None:
    made = list(iter_recombined(PAIRS, 11 * 11))
    assert len(set(made)) == 11 * 11


def test_sentences_keep_their_length_and_halves_belong_together() -> None:
    for source, target in iter_recombined(PAIRS, 50):
        first, middle, last = source.split()
        assert (first[0], middle[0], last[0]) == ("a", "b", "c")
        assert target.split() == [f"x{first[1:]}", f"y{last[1:]}"]


def test_more_than_can_be_made_is_refused() -> None:
    with pytest.raises(InputError, match="at most 121, got 122"):
        list(iter_recombined(PAIRS, 122))


def test_files_have_as_many_lines_as_asked_for(tmp_path: Path) -> None:
    names = ("s", "t", "out_s", "out_t")
    source, target, out_source, out_target = (str(tmp_path / name) for name in names)
    Path(source).write_text("".join(f"{s}\n" for s, _ in PAIRS))
    Path(target).write_text("".join(f"{t}\n" for _, t in PAIRS))
    assert write_recombined((source, target), (out_source, out_target), 29) == 3.0
    assert [len(Path(path).read_text().splitlines()) for path in (out_source, out_target)] == [29, 29]
