"""Tables of pairs are read as they were written: delimiter, quoting, header, columns."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.corpora.delimited import Table, TableOptions
from seq2seq_tf.errors import InputError

TSV, CSV = TableOptions("\t"), TableOptions(",;\t")
SPOKEN = 'He said "yes"\tEr sagte "ja"\n"Yes," he said.\t"Ja", sagte er.\n"No!"\t"Nein!"\n'


def table(folder: Path, text: str, options: TableOptions = TSV) -> Table:
    path = folder / "pairs.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return Table(path, ("en", "de"), options)


def test_the_first_two_columns_are_read_and_others_ignored(tmp_path: Path) -> None:
    read = table(tmp_path, "a\tb\tCC-BY\n\t\nc\td\te\tf\n")
    assert list(read.pairs()) == [("a", "b"), ("", ""), ("c", "d")]
    assert read.description() == "columns 1 and 2, tab between columns, quotation marks kept, no header"


def test_quotation_marks_in_the_text_are_kept(tmp_path: Path) -> None:
    read = table(tmp_path, SPOKEN)
    assert not read.quoted
    assert list(read.pairs()) == [tuple(line.split("\t")) for line in SPOKEN.splitlines()]


def test_quotation_marks_of_a_spreadsheet_are_removed(tmp_path: Path) -> None:
    read = table(tmp_path, '"He said ""yes"""\t"Er sagte ""ja"""\nplain\tschlicht\n')
    assert read.quoted
    assert list(read.pairs()) == [('He said "yes"', 'Er sagte "ja"'), ("plain", "schlicht")]


def test_quoting_of_all_fields_is_recognised(tmp_path: Path) -> None:
    assert list(table(tmp_path, '"a"\t"b"\n"c"\t"d"\n').pairs()) == [("a", "b"), ("c", "d")]


def test_line_ends_and_tabs_inside_a_field_become_a_space_and_are_counted(tmp_path: Path) -> None:
    read = table(tmp_path, '"one\ntwo"\t"eins\r\nzwei"\n"a\tb"\tx\nc\td\n')
    assert list(read.pairs()) == [("one two", "eins zwei"), ("a b", "x"), ("c", "d")]
    assert read.joined == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_of_csv_is_detected(tmp_path: Path, delimiter: str) -> None:
    rows = [["Yes, of course; sure", "Ja, natürlich; sicher"], ["one", "eins"], ["two, three", "zwei, drei"]]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows(rows)
    read = table(tmp_path, written.getvalue(), CSV)
    assert read.delimiter == delimiter
    assert list(read.pairs()) == [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("titles", "columns"),
    [
        ("English\tGerman", (1, 2)),
        ("de\ten", (2, 1)),
        ("id\tSource\tTarget\tnotes", (2, 3)),
        ("text\ttranslation", (1, 2)),
    ],
)
def test_a_header_is_left_out_and_names_the_columns(tmp_path: Path, titles: str, columns: tuple[int, int]) -> None:
    width = len(titles.split("\t"))
    rows = [[f"{row}{column}" for column in "abcd"[:width]] for row in "xy"]
    read = table(tmp_path, titles + "\n" + "".join("\t".join(row) + "\n" for row in rows))
    assert read.header
    assert read.columns == columns
    assert list(read.pairs()) == [(row[columns[0] - 1], row[columns[1] - 1]) for row in rows]


def test_a_first_pair_that_is_not_a_header_is_kept(tmp_path: Path) -> None:
    assert next(table(tmp_path, "text\tText hier\na\tb\n").pairs()) == ("text", "Text hier")
    assert next(table(tmp_path, "English\tGerman\na\tb\n", TSV._replace(header="no")).pairs()) == ("English", "German")
    assert next(table(tmp_path, "foo\tbar\na\tb\n", TSV._replace(header="yes")).pairs()) == ("a", "b")


def test_columns_can_be_chosen_and_numbers_are_not_taken_for_sentences(tmp_path: Path) -> None:
    text = "".join(f"{n}\tsentence {n}\t{n + 9}\tSatz {n}\n" for n in range(5))
    assert list(table(tmp_path, text, TSV._replace(columns=(2, 4))).pairs())[1] == ("sentence 1", "Satz 1")
    with pytest.raises(InputError, match=r"pairs\.txt: column 1 contains numbers; use --columns=SOURCE,TARGET"):
        table(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a\tb\nno tab\n", TSV, r"pairs\.txt:2: no tab found, expected two columns \(source, target\)"),
        ("a\tb\tc\na\tb\n", TSV._replace(columns=(1, 3)), r"pairs\.txt:2: found 2 columns, expected at least 3"),
        ('a,b\n"c,d\n', CSV, r"pairs\.txt:2: a quoted field does not end correctly .*--quoted=no"),
        ("alone\n", CSV, r"pairs\.txt:1: no comma"),
        ("a\tb\rc\td\r", TSV, "only LF ends a line"),
    ],
)
def test_a_malformed_table_is_reported_with_its_line(
    tmp_path: Path, text: str, options: TableOptions, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        list(table(tmp_path, text, options).pairs())


FIELDS = st.text(alphabet=st.sampled_from('ab" ,;\n.'), min_size=1).map(lambda text: f"x{text}x")


@settings(deadline=None)
@given(st.lists(st.tuples(FIELDS, FIELDS), min_size=1), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_output_of_the_csv_module_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], quoting: int
) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    read = table(tmp_path_factory.mktemp("csv"), written.getvalue(), TableOptions(","))
    expected = [tuple(" ".join(part for part in field.split("\n") if part or field) for field in row) for row in rows]
    assert [tuple(" ".join(text.split()) for text in pair) for pair in read.pairs()] == [
        tuple(" ".join(text.split()) for text in pair) for pair in expected
    ]
