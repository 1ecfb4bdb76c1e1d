"""Series are read exactly, and whatever is wrong in a file is named with its line and column."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.config import SeriesConfig
from seq2seq_tf.tasks.forecasting.series_file import Split, calendar_dates, read_series, read_table, split_rows
from tests import series_runs


def write(path: Path, text: str) -> str:
    path.write_bytes(text.encode())
    return str(path)


def test_numbers_are_read_exactly_in_the_order_of_the_given_names(tmp_path: Path) -> None:
    text = 'time,a,"b, c",d\r\n2001-01,1e3,-0.1,7\r\n2001-02,"2.5", 3 ,8\r\n'
    table = read_table(write(tmp_path / "x.csv", text), ["b, c", "a"], "time")
    assert table.names == ("b, c", "a")
    np.testing.assert_array_equal(table.values, [[-0.1, 1000.0], [3.0, 2.5]])
    assert table.dates is not None
    assert [str(date)[:7] for date in table.dates] == ["2001-01", "2001-02"]
    assert read_table(table.path, [], "time").names == ("a", "b, c", "d")
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(text.encode()))
    np.testing.assert_array_equal(read_table(str(tmp_path / "x.csv.gz"), ["d"], "time").values, [[7.0], [8.0]])


def test_a_file_needs_no_dates(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "x.csv", "a,b\n1,2\n"), [], "time")
    assert (table.names, table.dates) == (("a", "b"), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3,\n", ":3: column 'b': the number is missing"),
        ("a,b\n1,2\n3,4\n\n5,6\n", ":4: expected 2 fields as in the header, got 0"),
        ("a,b\n1,2\n3, \n", ":3: column 'b': the number is missing"),
        ("a,b\n1,x\n", ":2: column 'b': expected a number, got 'x'"),
        ("a,b\n1,nan\n", ":2: column 'b': expected a number, got 'nan'"),
        ("a,b\n1,inf\n", ":2: column 'b': expected a number, got 'inf'"),
        ("a,b\n1,1e999\n", ":2: column 'b': expected a number, got '1e999'"),
        ("a,b\n1,1_0\n", ":2: column 'b': expected a number"),
        ("a,b\n1,2,3\n", ":2: expected 2 fields as in the header, got 3"),
        ("a,b\n1\n", ":2: expected 2 fields as in the header, got 1"),
        ('a,b\n1,2\n3,"4\n', ":3: not a row of a CSV file"),
        ("a,a\n1,2\n", ":1: two columns are named 'a'"),
        ("a,\n1,2\n", ":1: column 2 has no name"),
        ("1,2\n3,4\n", ":1: expected the names of the columns, got numbers"),
        ("", ":1: expected the names of the columns"),
        ("a,b\n", ": no rows below the header"),
        ("time\n2001\n", ":1: no column of numbers"),
        ("time,a\n2001,1\n2001-13,2\n", ":3: column 'time': expected a date such as .*, got '2001-13'"),
        ("time,a\n2001,1\n2001,2\n", ":3: column 'time': 2001 is not later than the date in the row before"),
        ("a;b\n1;2\n", ":2: column 'a;b': expected a number, got '1;2'"),
    ],
)
def test_a_mistake_is_named_with_line_and_column(text: str, words: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(InputError, match=f"^{path}{words}") as caught:
        read_table(path, [], "time")
    assert "\n" not in str(caught.value)


def test_a_byte_that_is_not_utf8_and_an_unknown_column_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"a,b\n1,\xff\n")
    with pytest.raises(InputError, match=r"x.csv:2: invalid UTF-8 \(byte 0xff at column 3\)"):
        read_table(str(tmp_path / "x.csv"), [], "time")
    path = write(tmp_path / "y.csv", "sunspots,b\n1,2\n")
    with pytest.raises(InputError, match=r"no column 'sunspot' \(did you mean 'sunspots'\?\); it has sunspots, b"):
        read_table(path, ["sunspot"], "time")
    with pytest.raises(InputError, match="no such file"):
        read_table(str(tmp_path / "none.csv"), [], "time")
    with pytest.raises(InputError, match="data.series must name a CSV file"):
        read_series(SeriesConfig())


@pytest.mark.parametrize(
    ("valid", "test", "expected"),
    [(0.15, 0.2, Split(65, 80, 100)), (0.0, 0.0, Split(100, 100, 100)), (0.5, 0.5, Split(0, 50, 100))],
)
def test_the_last_rows_are_held_out(valid: float, test: float, expected: Split) -> None:
    assert split_rows(100, SeriesConfig(valid_share=valid, test_share=test)) == expected


def test_the_calendar_needs_dates(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    table = read_table(write(path, "a\n1\n2\n"), [], "time")
    assert calendar_dates(table, series_runs.config(path), 3) is None
    with pytest.raises(InputError, match=r"model.calendar needs a column of dates named 'time' \(data.time\)"):
        calendar_dates(table, series_runs.config(path, model__calendar="year"), 3)
    dated = read_table(write(path, "time,a\n2001-11,1\n2001-12,2\n"), [], "time")
    dates = calendar_dates(dated, series_runs.config(path, model__calendar="year"), 3)
    assert dates is not None
    assert str(dates[-1]) == "2002-03-01T00:00:00"
