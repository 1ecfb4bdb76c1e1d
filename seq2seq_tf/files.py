"""Files written whole or not at all, and numbers that JSON can hold."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from seq2seq_tf.errors import InputError


@contextlib.contextmanager
def atomic_write(path: str, what: str = "cannot be written") -> Iterator[BinaryIO]:
    """Opens a file that stands at `path`, and on the disk, once the block has ended; until then what was there stays.

    Args:
      path: of the file.
      what: the error's words for a file that cannot be written.

    Raises:
      InputError: it cannot be written (full disk, no permission).
    """
    temporary = path + ".tmp"
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_folder(os.path.dirname(path) or ".")
    except OSError as error:
        _remove(temporary)  # the first error is the one to tell
        raise InputError(f"{path}: {what}: {error.strerror or error}") from None
    except Exception:
        _remove(temporary)
        raise


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)


def _flush_folder(folder: str) -> None:
    """Puts a new name on the disk, so that files appear there in the order in which they were written."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows does not open folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # some file systems cannot; the file itself is there
        pass
    finally:
        os.close(descriptor)


def write_bytes(path: str, data: bytes) -> None:
    """Writes a small file whole or not at all; a file that stood there before stays if this fails.

    Raises:
      InputError: it cannot be written.
    """
    with atomic_write(path) as file:
        file.write(data)


def write_text(path: str, text: str) -> None:
    """Writes a small text as UTF-8, with the line ends that it has; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def to_json(value: Any, **options: Any) -> str:
    """Returns JSON that every reader takes: what is not a finite number becomes null.

    Args:
      value: of dictionaries, lists, strings and numbers.
      **options: of `json.dumps`.
    """
    return json.dumps(_finite(value), allow_nan=False, **options)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value
