"""Standard streams that programs can rely on: open, UTF-8 whatever the locale, silent once nobody reads them."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TextIO

_NAMES = ("standard input", "standard output", "standard error")


class _WhileRead(io.RawIOBase):
    """Writes to a file descriptor until its reader or terminal is gone; drops everything written after that."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._terminal = os.isatty(descriptor)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return self._terminal

    def write(self, data: bytes) -> int:  # type: ignore[override]  # any buffer of bytes
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            gone = error.errno == errno.EPIPE or (self._terminal and error.errno == errno.EIO)
            if not gone:
                raise
        drop_output(self._descriptor)
        return len(data)


class _Closed(io.RawIOBase):
    """A stream that the program was started without."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._told = False

    def readable(self) -> bool:
        return self._descriptor == 0

    def writable(self) -> bool:
        return self._descriptor != 0

    def readinto(self, buffer: object) -> int:
        raise OSError(errno.EBADF, "is closed", _NAMES[self._descriptor])

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self._told:  # the rest of the buffer, flushed when the program ends
            return len(data)
        self._told = True
        raise OSError(errno.EBADF, "is closed", _NAMES[self._descriptor])


def restart_in_utf8() -> None:
    """Restarts the program in Python's UTF-8 mode if the locale encodes file names differently."""
    utf8 = sys.getfilesystemencoding().lower().replace("-", "") == "utf8"
    if not utf8 and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def prepare_streams(*, is_filter: bool) -> None:
    """Makes the three standard streams usable, even if the program was started without them; may be called again.

    Args:
      is_filter: whether standard output is the purpose of the program: writing to it then raises BrokenPipeError if
        nobody reads it and OSError if it is closed. Other programs finish their work without it.
    """
    closed = [stream is None for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__)]
    for descriptor, is_closed in enumerate(closed):
        if is_closed:
            _open_nothing(descriptor)
    if closed[0]:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Closed(0)), encoding="utf-8")
    if closed[1] and is_filter:
        sys.stdout = _writer(_Closed(1), None)
    elif is_filter:
        sys.stdout = sys.__stdout__
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    else:
        sys.stdout = _writer(_WhileRead(1), sys.__stdout__)
    sys.stderr = _writer(_WhileRead(2), sys.__stderr__)


def drop_output(descriptor: int) -> None:
    """Discards everything written to the descriptor from now on."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


def _open_nothing(descriptor: int) -> None:
    """Opens a closed descriptor on the null device; otherwise the next open file would receive what libraries print."""
    try:
        os.fstat(descriptor)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != descriptor:
            os.dup2(null, descriptor)
            os.close(null)


def _writer(raw: io.RawIOBase, like: TextIO | None) -> io.TextIOWrapper:
    by_line = like is None or getattr(like, "line_buffering", True)
    through = bool(getattr(like, "write_through", False))
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=by_line,
        write_through=through,
    )
