"""A text is laid out on a grid as it is read: clusters together, right-to-left text in its visual order."""

from __future__ import annotations

from seq2seq_tf.inspection.text_grid import Drawn, drawn, grid


def columns(text: str, width: int) -> list[list[int]]:
    return [[cell.column for cell in row] for row in grid(text, width)]


def shown(text: str, width: int) -> list[list[Drawn]]:
    return [sorted(drawn(row)) for row in grid(text, width)]


def test_every_character_has_a_cell_in_the_order_of_the_text() -> None:
    for text in ("ab\tc語\n\nd", "אב (ג) 12\nab א", "क्षि ab"):
        rows = grid(text, 40)
        assert [cell.token for row in rows for cell in row] == list(range(len(text)))


def test_a_right_to_left_line_starts_at_the_right() -> None:
    assert columns("אבג\nab", 10) == [[10, 9, 8, 7], [0, 1]]
    assert columns("ab\n", 10) == [[0, 1, 2]]


def test_digits_and_words_of_latin_letters_keep_their_order_in_a_right_to_left_line() -> None:
    assert columns("א 12 ab", 10) == [[10, 9, 7, 8, 6, 4, 5]]


def test_a_right_to_left_word_in_a_left_to_right_line_runs_backwards_in_its_place() -> None:
    assert columns("a אבג b", 10) == [[0, 1, 4, 3, 2, 5, 6]]


def test_brackets_in_a_right_to_left_line_are_mirrored() -> None:
    (row,) = grid("(א)", 5)
    assert [(cell.column, cell.character) for cell in row] == [(5, ")"), (4, "א"), (3, "(")]


def test_a_long_right_to_left_line_continues_at_the_right_of_the_next_row() -> None:
    assert columns("אבגד", 3) == [[3, 2, 1], [3]]
    assert columns("אבג1 2", 3) == [[3, 2, 1], [3, 2, 1]]  # the second row has no letters


def test_letters_that_join_are_drawn_as_words_up_to_their_right_end() -> None:
    assert shown("كبير في\n", 10) == [[Drawn(6, "في", True), Drawn(11, "كبير", True)]]
    assert shown("كَب", 10) == [[Drawn(11, "كَب", True)]]  # with a mark


def test_a_letter_and_its_marks_are_drawn_together() -> None:
    assert shown("क्षि e\u0301ש", 10) == [[Drawn(0, "क्षि"), Drawn(3, "e\u0301"), Drawn(4, "ש")]]
    assert shown("ที่นี่", 10) == [[Drawn(0, "ที่"), Drawn(1, "นี่")]]
