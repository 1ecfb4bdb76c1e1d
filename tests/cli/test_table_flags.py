"""The flags of a table become its options; flags that do not fit are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from absl import flags

from seq2seq_tf.cli.table_flags import opened_table, table_files
from seq2seq_tf.errors import InputError
from tests.programs import defined

PAIR = ("en", "de")


@pytest.fixture(autouse=True)
def _flags() -> Iterator[None]:
    with defined("data split"):
        yield


def given(*arguments: str) -> None:
    flags.FLAGS(["split", *arguments])


def test_a_table_is_opened_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("1;one;x;eins\n2;two;y;zwei\n", encoding="utf-8")
    given(f"--csv={path}", "--columns=2,4", "--header=no", "--quoted=no")
    assert table_files() == [str(path)]
    table = opened_table(PAIR)
    assert table is not None


def test_without_flags_there_is_no_table() -> None:
    given()
    assert table_files() == []
    assert opened_table(PAIR) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--columns=1,2"], "need a table; give --tsv or --csv"),
        (["--header=yes"], "need a table"),
        (["--tsv=a", "--csv=b"], "cannot be given together"),
        (["--tsv=a", "--columns=1"], "two different numbers from 1, for example 2,4; got 1"),
        (["--tsv=a", "--columns=2,2"], "got 2,2"),
        (["--tsv=a", "--columns=0,x"], "got 0,x"),
        (["--tsv=missing.tsv"], "missing.tsv: no such file"),
    ],
)
def test_flags_that_do_not_fit_are_refused(arguments: list[str], message: str) -> None:
    given(*arguments)
    with pytest.raises(InputError, match=message):
        opened_table(PAIR)
