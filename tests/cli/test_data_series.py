"""seq2seq-data write-series writes a file that a forecasting run reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq_tf.tasks.forecasting.series_file import read_table
from tests.programs import call
from tests.trained import assert_one_error_line

NAME = "data write-series"


def test_a_series_is_written_and_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = call(NAME, "--name=sunspots")
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == "data/sunspots.csv: 309 rows from 1700 to 2008: sunspots\n"
    table = read_table("data/sunspots.csv", [], "time")
    assert table.names == ("sunspots",)
    assert table.values[-1, 0] == 2.9
    assert call(NAME, "--name=stocks", "--out=deep/er/x.csv").code == 0
    assert read_table("deep/er/x.csv", [], "time").names == ("IBM", "AAPL", "MSFT", "GSPC")


def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    assert_one_error_line(call(NAME), "--name must be one of co2, elnino")
    assert_one_error_line(call(NAME, "--name=sunspot"), "--name")
    assert_one_error_line(call(NAME, "--name=nile", f"--out={tmp_path}/file/x.csv"), "cannot be written")
    assert_one_error_line(call(NAME, "--name=nile", f"--out={tmp_path}"), "cannot be written")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
