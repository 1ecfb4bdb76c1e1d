"""Small files, written whole or not at all."""

from __future__ import annotations

import contextlib
import os

from seq2seq_tf.errors import InputError


def write_bytes(path: str, data: bytes) -> None:
    """Writes a small file whole or not at all; a file that stood there before stays if this fails.

    Raises:
      InputError: it cannot be written.
    """
    temporary = path + ".tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            os.remove(temporary)
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def write_text(path: str, text: str) -> None:
    """Writes a small text as UTF-8, with the line ends that it has; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))
