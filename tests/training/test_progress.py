"""Progress that a person can read: on a terminal of 80 columns, through a pipe, and in the log of the run."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.training.progress import Progress, RunLog


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that shows the time it is set to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def logged(path: Path) -> list[str]:
    """Returns the lines of a log without their times."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", line) for line in lines)
    return [line[21:] for line in lines]


def test_a_log_prints_each_line_and_appends_it_to_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = RunLog(str(tmp_path / "train.log"))
    log("one\ntwo")
    log.note("three")
    RunLog(str(tmp_path / "train.log"))("four")
    assert capsys.readouterr().out == "one\ntwo\nfour\n"
    assert logged(tmp_path / "train.log") == ["one", "two", "three", "four"]


def test_a_log_that_cannot_be_written_is_reported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = RunLog(str(tmp_path / "none" / "train.log"))
    log("one")
    log("two")
    shown = capsys.readouterr()
    assert shown.out == "one\ntwo\n"
    assert shown.err.count("train.log: cannot be written: No such file") == shown.err.count("\n") == 1


def test_a_pipe_gets_whole_lines_at_intervals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress(RunLog(str(tmp_path / "log")), done=100, total=1000, every=30.0, clock=clock)
    for _ in range(50):
        progress.advance()
        clock.now += 1.0
    progress.show("epoch 2 loss 1.500 4,000 tok/s")
    for _ in range(49):
        progress.advance()
        clock.now += 1.0
    progress.close(finished=False)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "update 131 of 1,000 (13 %), 00:30 elapsed, about 14:00 left",
        "update 161 of 1,000 (16 %), epoch 2 loss 1.500 4,000 tok/s, 01:00 elapsed, about 13:45 left",
        "update 191 of 1,000 (19 %), epoch 2 loss 1.500 4,000 tok/s, 01:30 elapsed, about 13:20 left",
        "update 199 of 1,000 (19 %), epoch 2 loss 1.500 4,000 tok/s, 01:39 elapsed, about 13:21 left",
    ]
    assert logged(tmp_path / "log") == lines


@pytest.mark.parametrize("updates", [8, 12])
def test_the_end_is_shown_as_complete_with_fewer_or_more_updates_than_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], updates: int
) -> None:
    progress = Progress(RunLog(str(tmp_path / "log")), done=0, total=10)
    for _ in range(updates):
        progress.advance()
    progress.close(finished=True)
    assert capsys.readouterr().err.startswith(f"update {updates} of {updates} (100 %), ")


def test_the_bar_of_80_columns_keeps_ten_cells_in_a_long_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    progress = Progress(RunLog(str(tmp_path / "log")), done=0, total=200_000)
    progress.show("epoch 12 loss 2.602 14,156 tok/s")
    bar: Any = progress._bar
    progress._done = 98_766
    bar.start_t, bar.n, bar.smoothing = bar.start_t - 24_690.0, 98_766, 0.0
    bar._ema_dn = bar._ema_dt = lambda value=None: 0.0  # the mean speed
    bar.refresh()
    shown = terminal.getvalue().split("\r")[-1].rstrip("\n\x1b[A")
    assert len(shown) <= 80
    assert shown.startswith(" 49%|")
    assert re.search(r"\| 98766/200000 6:51:3\d<7:0\d:\d\d epoch 12 loss 2\.602 14,156 tok/s$", shown.rstrip())
    assert len(shown.split("|")[1]) >= 10
    progress.close(finished=True)
    assert terminal.getvalue().split("\r")[-1].startswith("100%|")
