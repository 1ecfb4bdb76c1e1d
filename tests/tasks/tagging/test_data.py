"""Text becomes pieces with a label on the last piece of each word; paragraphs are a function of seed and epoch."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import UNK_ID
from seq2seq_tf.tasks.tagging.casing import LABELS, split_words
from seq2seq_tf.tasks.tagging.data import (
    NO_LABEL,
    draw_paragraphs,
    join_lines,
    paragraph_spans,
    read_words,
    spell_words,
    tag_lines,
)
from seq2seq_tf.text.characters import CharacterTokenizer, write_character_tokenizer

LINES = ["Click OK.", "see LibreOffice, now"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> CharacterTokenizer:
    """Returns a tokenizer whose pieces are single characters."""
    write_character_tokenizer(["abcdefghijklmnopqrstuvwxyz"], str(tmp_path / "s"), max_size=50)
    return CharacterTokenizer(str(tmp_path / "s"))


def test_the_label_is_on_the_last_piece_of_its_word(tokenizer: CharacterTokenizer) -> None:
    tagged = tag_lines([split_words(line) for line in LINES], tokenizer)
    assert tokenizer.decode([tagged.ids.tolist()]) == ["clickokseelibreofficenow"]
    assert tagged.offsets.tolist() == [0, 7, 24]
    at = {4: "Title", 6: "UPPER.", 9: "lower", 20: "mixed,", 23: "lower"}
    expected = [LABELS.index(at[n]) + 1 if n in at else NO_LABEL for n in range(24)]
    assert tagged.labels.tolist() == expected


def test_words_are_divided_separately_and_are_never_empty(tokenizer: CharacterTokenizer) -> None:
    rows = spell_words([["ab", "b"], ["b", "", "a" * 99]], tokenizer)
    assert rows[0][1] == rows[1][0]
    assert rows[1][1] == [UNK_ID]
    assert len(rows[1][2]) == 32


@given(lines=st.integers(1, 60), most=st.integers(1, 7), epoch=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_each_line_is_in_exactly_one_paragraph(lines: int, most: int, epoch: int) -> None:
    bounds = draw_paragraphs(lines, max_lines=most, seed=1, epoch=epoch)
    assert bounds[0] == 0
    assert bounds[-1] == lines
    assert ((np.diff(bounds) >= 1) & (np.diff(bounds) <= most)).all()


def test_paragraphs_are_a_pure_function_of_seed_and_epoch() -> None:
    first = draw_paragraphs(101, max_lines=4, seed=1, epoch=2).tolist()
    assert first == draw_paragraphs(101, max_lines=4, seed=1, epoch=2).tolist()
    assert first != draw_paragraphs(101, max_lines=4, seed=1, epoch=3).tolist()
    assert first != draw_paragraphs(101, max_lines=4, seed=2, epoch=2).tolist()


def test_spans_are_the_pieces_of_the_paragraph_up_to_the_limit() -> None:
    offsets = np.array([0, 3, 5, 12, 13])
    start, length = paragraph_spans(offsets, np.array([0, 2, 4]), 7)
    assert start.tolist() == [0, 5]
    assert length.tolist() == [5, 7]


def test_held_out_paragraphs_contain_all_words_in_order() -> None:
    lines = [split_words(f"w{n} x{n}") for n in range(101)]
    joined = join_lines(lines, max_lines=4, seed=1)
    assert [word for row in joined for word in row] == [word for row in lines for word in row]
    assert {len(row) for row in joined} == {2, 4, 6, 8}


def test_text_without_words_is_refused_and_lines_without_words_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("- -\n\nOne - two\n")
    assert [[word.core for word in row] for row in read_words(str(path))] == [["One", "two"]]
    path.write_text("- -\n...\n")
    with pytest.raises(InputError, match=r"a\.txt: no words"):
        read_words(str(path))
