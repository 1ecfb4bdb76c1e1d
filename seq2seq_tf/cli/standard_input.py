"""Standard input of the programs that process lines: yields windows of lines, also of lines that arrive slowly.

A file is read in windows of a fixed size. A pipe is read by a thread, so that the lines that have arrived are processed
while the program waits for more. Typed lines are processed one by one, with a prompt.
"""

from __future__ import annotations

import collections
import itertools
import math
import os
import queue
import select
import stat
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from seq2seq_tf.cli import program
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import decode_line

NAME = "<standard input>"
_PROMPT = "> "
_CHUNK = 1 << 16  # bytes read at once
_AHEAD = 8  # chunks read ahead; bounds memory
_QUIET = 0.2  # seconds without a new line after which a window is yielded
_MAX_WAIT = 1.0  # seconds after which it is yielded although lines keep arriving


def is_typed() -> bool:
    """Returns whether standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def announce(model_dir: str) -> None:
    """Tells a user who types at a terminal that the model is being loaded, which takes seconds."""
    if is_typed():
        print(f"loading {model_dir} ...", file=sys.stderr, flush=True)


def windows(size: int) -> Iterator[list[str]]:
    """Yields the lines of standard input in order, `size` at a time, or as many as have arrived after a short wait.

    Raises:
      InputError: a line is not UTF-8; raised after the lines before it were yielded.
    """
    if is_typed():
        yield from ([line] for line in _typed_lines())
    elif _comes_by_and_by():
        arriving, number = _Arriving(_unbuffered()), 0
        while raw := arriving.window(size):
            yield from in_windows(_decoded(raw, number), size)
            number += len(raw)
        arriving.check()
    else:
        yield from in_windows(program.input_lines(), size)


def in_windows(lines: Iterator[str], size: int) -> Iterator[list[str]]:
    """Yields lines `size` at a time; raises the error of a bad line after yielding the good lines before it."""
    window: list[str] = []
    failure: Exception | None = None
    while failure is None:
        window = []
        try:
            for line in itertools.islice(lines, size):
                window.append(line)  # one by one, so that those before a bad line are kept
        except (InputError, OSError) as error:
            failure = error
        if window:
            yield window
        if len(window) < size:
            break
    if failure is not None:
        raise failure


def _decoded(raw: Sequence[bytes], before: int) -> Iterator[str]:
    for number, line in enumerate(raw, start=before + 1):
        yield decode_line(line.removesuffix(b"\r"), NAME, number)


def _typed_lines() -> Iterator[str]:
    """Yields lines as they are typed until Ctrl-D, and leaves the cursor at the beginning of a line."""
    prompts = sys.stderr.isatty()
    if prompts:
        print("ready: type a line and press Enter, Ctrl-D ends", file=sys.stderr)
    groups, number = _groups(_unbuffered()), 0
    try:
        while True:
            if prompts:
                print(_PROMPT, end="", file=sys.stderr, flush=True)
            group = next(groups, [])
            if not group:
                break
            yield from _decoded(group, number)
            number += len(group)
    finally:
        if prompts:
            print(file=sys.stderr)


def _comes_by_and_by() -> bool:
    """Returns whether standard input is a pipe, a socket or a device; a regular file is complete from the start."""
    try:
        return not stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode)
    except (OSError, ValueError, AttributeError):  # not a stream of the system but an object that replaced it
        return False


def _unbuffered() -> Any:
    """Returns the stream without its buffer, whose lock a waiting thread would still hold at interpreter exit."""
    return getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)


class _Arriving:
    """The lines of a pipe, read ahead by a thread."""

    def __init__(self, stream: Any) -> None:
        self._chunks: queue.Queue[list[bytes] | OSError | None] = queue.Queue(_AHEAD)
        self._lines: collections.deque[bytes] = collections.deque()
        self._open = True
        self._failure: OSError | None = None
        threading.Thread(target=_read_ahead, args=(stream, self._chunks), daemon=True).start()

    def window(self, size: int) -> list[bytes]:
        """Returns the next lines, at most `size`; waits for the first, and shortly for more. No line means the end."""
        self._fill(size)
        return [self._lines.popleft() for _ in range(min(size, len(self._lines)))]

    def check(self) -> None:
        """Raises the error that ended the reading, if there was one."""
        if self._failure is not None:
            raise self._failure

    def _fill(self, size: int) -> None:
        closes = math.inf
        while self._open and len(self._lines) < size:
            if self._lines and closes == math.inf:
                closes = time.monotonic() + _MAX_WAIT
            patience = min(_QUIET, max(closes - time.monotonic(), 0.0)) if self._lines else None
            try:
                got = self._chunks.get(timeout=patience)
            except queue.Empty:
                return
            if isinstance(got, list):
                self._lines.extend(got)
            else:
                self._open, self._failure = False, got


def _read_ahead(stream: Any, chunks: queue.Queue[list[bytes] | OSError | None]) -> None:
    """Puts the lines of a stream into a queue as they arrive, and at the end None or the error."""
    failure = None
    try:
        for lines in _groups(stream):
            chunks.put(lines)
    except OSError as error:
        failure = error
    chunks.put(failure)


def _groups(stream: Any) -> Iterator[list[bytes]]:
    """Yields the lines that end in each chunk of a stream, without line breaks; at the end an unterminated line."""
    parts: list[bytes] = []  # of an unfinished line; joined once, however many chunks it spans
    while chunk := _read_some(stream):
        first, *rest = chunk.split(b"\n")
        parts.append(first)
        if rest:
            yield [b"".join(parts), *rest[:-1]]
            parts = [rest[-1]]
    if any(parts):
        yield [b"".join(parts)]


def _read_some(stream: Any) -> bytes:
    """Returns the bytes that have arrived, waiting for some; b"" at the end."""
    while (chunk := stream.read(_CHUNK)) is None:  # a non-blocking pipe that is empty
        select.select([stream], [], [])
    return bytes(chunk)
