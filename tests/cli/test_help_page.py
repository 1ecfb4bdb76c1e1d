"""A help page lists each flag once with its meaning, range and default, for any width of the terminal."""

from __future__ import annotations

import pytest
from absl import flags

from seq2seq_tf.cli import help_page
from seq2seq_tf.cli.flag_types import IntegerParser, PathParser


@pytest.fixture
def values() -> flags.FlagValues:
    found = flags.FlagValues()
    flags.DEFINE(PathParser(), "out", "x.html", "page to write", found)
    flags.DEFINE(IntegerParser(1, 4096), "hidden", 128, "state size " * 20, found)
    flags.DEFINE(IntegerParser(1, 9), "train.a_name_that_is_longer_than_its_column", 3, "what it is", found)
    flags.DEFINE_bool("toy", False, "instead of a run", found)
    flags.DEFINE_bool("undecided", None, "yes or no", found)
    flags.DEFINE_enum("compare", None, ["cells", "seeds"], "what to compare", found)
    flags.DEFINE_multi_string("pattern", [], "regular expression", found)
    return found


def page(values: flags.FlagValues, columns: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.argv", ["/usr/bin/seq2seq-x look"])
    return help_page.help_page("looks inside", "\n    seq2seq-x look --toy\n", values)


def test_each_flag_has_its_meaning_with_range_and_default(
    values: flags.FlagValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = page(values, 120, monkeypatch)
    assert text.startswith(
        "seq2seq-x look: looks inside\n\nusage: seq2seq-x look --flag=value ...\n\n  seq2seq-x look --toy"
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in (
        "--out=PATH page to write [default: x.html]",
        "--[no]toy instead of a run [default: false]",
        "--[no]undecided yes or no",
        "--compare=cells|seeds what to compare",
        "--pattern=TEXT regular expression",
        "--train.a_name_that_is_longer_than_its_column=N",
        "what it is [1 to 9; default: 3]",
    ):
        assert line in lines, text
    assert text.index("flags:") < text.index("options of section train, in a file or as a flag:")


@pytest.mark.parametrize(("columns", "widest"), [(20, 60), (80, 80), (500, 120)])
def test_lines_fit_the_terminal_within_bounds(
    columns: int, widest: int, values: flags.FlagValues, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = [len(line) for line in page(values, columns, monkeypatch).split("\n\n", 3)[3].splitlines()]
    assert widest - 20 < max(widths) <= widest
