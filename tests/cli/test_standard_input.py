"""Windows of standard input: files, pipes with slow lines, a terminal; a bad line loses none of the good ones."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq2seq_tf.cli import standard_input
from seq2seq_tf.errors import InputError

LINES = ["ka be", "", "ä", "x" * 200_001, "\u2028 lo", "end"]


class Pipe:
    """A pipe that replaces standard input, and its writing end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reading, self.writing = os.pipe()
        self.stdin = os.fdopen(reading, encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", self.stdin)

    def write(self, content: bytes) -> None:
        assert os.write(self.writing, content) == len(content)

    def close(self) -> None:
        os.close(self.writing)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    made = Pipe(monkeypatch)
    yield made
    made.stdin.close()


@contextlib.contextmanager
def use_file(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replaces standard input by a file inside the context."""
    path.write_bytes(content)
    with path.open(encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_file_is_read_in_windows_of_the_given_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    for last in (b"", end):  # with or without a final line break
        with use_file(tmp_path / "in", end.join(line.encode() for line in LINES) + last, monkeypatch):
            assert list(standard_input.windows(4)) == [LINES[:4], LINES[4:]]


def test_a_stream_without_a_file_descriptor_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\nb\nc\n")))
    assert list(standard_input.windows(2)) == [["a", "b"], ["c"]]


def test_lines_that_have_arrived_are_yielded_before_the_next_ones_arrive(pipe: Pipe) -> None:
    """Otherwise this would wait for ever: the pipe stays open, and the window is far from full."""
    windows = standard_input.windows(2048)
    for content, lines in ((b"a\nb\n", ["a", "b"]), (b"\nc", [""]), (b"d\r\n", ["cd"])):
        pipe.write(content)
        assert next(windows) == lines
    pipe.write(b"end")
    pipe.close()
    assert next(windows) == ["end"]
    assert next(windows, None) is None


def test_lines_that_arrive_together_through_a_pipe_fill_windows_in_order(pipe: Pipe) -> None:
    pipe.write(b"".join(b"%d\n" % n for n in range(11)))
    pipe.close()
    assert list(standard_input.windows(4)) == [[*"0123"], [*"4567"], ["8", "9", "10"]]


def test_long_lines_arrive_whole_through_a_pipe(pipe: Pipe) -> None:
    def write() -> None:
        with open(pipe.writing, "wb") as file:
            file.write("\n".join(LINES).encode())

    writer = threading.Thread(target=write)
    writer.start()
    assert [line for window in standard_input.windows(3) for line in window] == LINES
    writer.join()


def collect(windows: Iterator[list[str]]) -> tuple[list[str], str]:
    """Returns the lines yielded before an InputError, and its message."""
    lines: list[str] = []
    with pytest.raises(InputError) as caught:
        lines.extend(line for window in windows for line in window)
    return lines, str(caught.value)


def test_lines_before_a_byte_that_is_not_utf8_are_yielded(
    tmp_path: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"a\nb\nc\nd\ne \xff\nf\n"
    pipe.write(content)
    found = [collect(standard_input.windows(3))]
    for size in (1, 4, 5, 99):
        with use_file(tmp_path / "in", content, monkeypatch):
            found.append(collect(standard_input.windows(size)))
    message = "<standard input>:5: invalid UTF-8 (byte 0xff at column 3)"
    assert found == [([*"abcd"], message)] * 5


def test_a_bad_first_line_gives_no_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with use_file(tmp_path / "in", b"\xff\na\n", monkeypatch):
        assert collect(standard_input.windows(3))[0] == []


def test_an_error_while_reading_a_pipe_is_raised_after_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.RawIOBase):
        contents = [b"a\nb\nc"]

        def read(self, size: int = -1) -> bytes:
            if self.contents:
                return self.contents.pop()
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(standard_input, "_comes_by_and_by", lambda: True)
    monkeypatch.setattr(standard_input, "_unbuffered", Broken)
    windows = standard_input.windows(7)
    assert next(windows) == ["a", "b"]
    with pytest.raises(OSError, match="Input/output"):
        next(windows)


def test_typed_lines_are_yielded_one_by_one_after_a_prompt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    master, slave = pty.openpty()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with os.fdopen(slave, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        standard_input.announce("runs/x")
        windows = standard_input.windows(2048)
        for line in ("ka be", "", "ä"):
            os.write(master, line.encode() + b"\n")
            assert next(windows) == [line]
        os.write(master, b"\x04")  # Ctrl-D
        assert next(windows, None) is None
    os.close(master)
    said = capsys.readouterr().err
    assert said.startswith("loading runs/x ...\n")
    assert said.endswith("\n> > > > \n")  # each on the new line after Enter
