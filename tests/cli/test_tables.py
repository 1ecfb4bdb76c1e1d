"""Tables are aligned by their width in a terminal."""

from seq2seq_tf.cli.tables import format_table


def test_numbers_are_aligned_right_and_text_left() -> None:
    rows = [["train", 29_000, "as published"], ["valid", 7, "-"]]
    assert format_table(["part", "pairs", "text"], rows).split("\n") == [
        "part    pairs  text",
        "-----  ------  ------------",
        "train  29,000  as published",
        "valid       7  -",
    ]


def test_wide_characters_take_two_cells_and_combining_marks_none() -> None:
    table = format_table(["text", "count"], [["日本語", 2], ["e\u0301te\u0301", 3], ["abcdef", 5]])
    assert table.split("\n")[2:] == ["日本語      2", "e\u0301te\u0301         3", "abcdef      5"]


def test_leading_spaces_line_separators_and_numbers_written_as_text_stay() -> None:
    assert format_table(["a", "b"], [["  x", "1.50"], ["y\u2028zz", "07"]]).split("\n")[2:] == [
        "  x  1.50",
        "y\u2028zz  07",
    ]


def test_a_table_without_rows_has_its_header() -> None:
    assert format_table(["part", "pairs"], []) == "part  pairs\n----  -----"
