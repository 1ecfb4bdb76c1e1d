"""Files written whole or not at all, and numbers that JSON can hold."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TextIO, cast

from seq2seq_tf.errors import InputError

PART = ".tmp"  # ending of a file that is being written; a crash may leave it


@contextlib.contextmanager
def atomic_write(path: str, what: str = "cannot be written") -> Iterator[BinaryIO]:
    """Opens a file that stands at `path`, and on the disk, once the block has ended; until then what was there stays.

    Args:
      path: of the file.
      what: the error's words for a file that cannot be written.

    Raises:
      InputError: it cannot be written (full disk, no permission).
    """
    with atomic_write_all([path], what) as (file,):
        yield file


@contextlib.contextmanager
def atomic_write_all(
    paths: Sequence[str | os.PathLike[str]], what: str = "cannot be written", named: str = ""
) -> Iterator[list[BinaryIO]]:
    """Opens several files that get their names, in this order, once the block has ended and all are on the disk.

    Args:
      paths: of the files; if the block fails, what was there stays.
      what: the error's words for files that cannot be written.
      named: what the error names where it is not known which file it was; the path if there is only one.

    Raises:
      InputError: one of them cannot be written (full disk, no permission).
    """
    final = [os.fspath(path) for path in paths]
    temporary = [path + PART for path in final]
    named = named or (final[0] if len(final) == 1 else os.path.dirname(final[0]) or ".")
    try:
        with contextlib.ExitStack() as stack:
            files: list[BinaryIO] = [stack.enter_context(open(path, "wb")) for path in temporary]
            yield files
            for file in files:
                file.flush()
                os.fsync(file.fileno())
        for begun, path in zip(temporary, final, strict=True):
            os.replace(begun, path)
        for folder in dict.fromkeys(os.path.dirname(path) or "." for path in final):
            _flush_folder(folder)
    except OSError as error:
        _remove(temporary)  # the first error is the one to tell
        where = named if error.filename not in temporary else error.filename.removesuffix(PART)
        raise InputError(f"{where}: {what}: {error.strerror or error}") from None
    except BaseException:
        _remove(temporary)
        raise


@contextlib.contextmanager
def atomic_write_texts(paths: Sequence[str | os.PathLike[str]]) -> Iterator[list[TextIO]]:
    """Opens several files for UTF-8 text with LF line ends, as `atomic_write_all`; missing folders are made.

    Raises:
      InputError: a folder or file cannot be written, or the disk is full.
    """
    for folder in dict.fromkeys(os.path.dirname(path) or "." for path in paths):
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise InputError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None
    with atomic_write_all(paths) as files:
        # With write_through, nothing is left in them that an error would leave unwritten.
        texts = [io.TextIOWrapper(file, encoding="utf-8", newline="\n", write_through=True) for file in files]
        try:
            yield cast(list[TextIO], texts)
        finally:
            for text in texts:
                with contextlib.suppress(OSError):  # told when the file itself is flushed
                    text.detach()


def replace_folder(begun: str, path: str) -> None:
    """Gives a folder that is complete its name; OSError if that cannot be done.

    Args:
      begun: the folder, beside where it will stand.
      path: of no folder yet.
    """
    os.replace(begun, path)
    _flush_folder(os.path.dirname(path) or ".")


def _remove(paths: Sequence[str]) -> None:
    for path in paths:
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
