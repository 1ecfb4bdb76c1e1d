"""Atomic file writes, and JSON without non-finite numbers."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TextIO, cast

from seq2seq_tf.errors import InputError

PART = ".tmp"  # suffix of a file that is being written; a crash may leave one behind


@contextlib.contextmanager
def atomic_write(path: str, what: str = "cannot be written") -> Iterator[BinaryIO]:
    """Opens a temporary file that replaces `path`, flushed to disk, when the block ends; a failure changes nothing.

    Args:
      path: the file to write.
      what: wording of the error if the file cannot be written.

    Raises:
      InputError: the file cannot be written (full disk, no permission).
    """
    with atomic_write_all([path], what) as (file,):
        yield file


@contextlib.contextmanager
def atomic_write_all(
    paths: Sequence[str | os.PathLike[str]], what: str = "cannot be written", named: str = ""
) -> Iterator[list[BinaryIO]]:
    """Opens several temporary files that replace `paths`, in this order, when the block ends and all are on disk.

    Args:
      paths: the files to write; if the block fails, they are unchanged.
      what: wording of the error if a file cannot be written.
      named: what the error names if the failing file is unknown; by default a single path, or the folder of the first.

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
        _remove(temporary)  # report the first error
        where = named if error.filename not in temporary else error.filename.removesuffix(PART)
        raise InputError(f"{where}: {what}: {error.strerror or error}") from None
    except BaseException:
        _remove(temporary)
        raise


@contextlib.contextmanager
def atomic_write_texts(paths: Sequence[str | os.PathLike[str]]) -> Iterator[list[TextIO]]:
    """Opens several files as `atomic_write_all` does, for UTF-8 text with LF line endings; creates missing folders.

    Raises:
      InputError: a folder or file cannot be written, or the disk is full.
    """
    for folder in dict.fromkeys(os.path.dirname(path) or "." for path in paths):
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise InputError(f"{error.filename or folder}: cannot be written: {error.strerror or error}") from None
    with atomic_write_all(paths) as files:
        # With write_through, the wrappers buffer no text that an error could leave unwritten.
        texts = [io.TextIOWrapper(file, encoding="utf-8", newline="\n", write_through=True) for file in files]
        try:
            yield cast(list[TextIO], texts)
        finally:
            for text in texts:
                with contextlib.suppress(OSError):  # reported when the file itself is flushed
                    text.detach()


def replace_folder(begun: str, path: str) -> None:
    """Renames a complete folder to its final name.

    Args:
      begun: the folder, in the same parent folder as `path`.
      path: the final name, not yet taken.

    Raises:
      OSError: the folder cannot be renamed.
    """
    os.replace(begun, path)
    _flush_folder(os.path.dirname(path) or ".")


def _remove(paths: Sequence[str]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            os.remove(path)


def _flush_folder(folder: str) -> None:
    """Flushes the entries of a folder to disk, so that files appear there in the order in which they were written."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows cannot open folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # some file systems cannot flush folders; the file itself is on disk
        pass
    finally:
        os.close(descriptor)


def write_bytes(path: str, data: bytes) -> None:
    """Writes a small file atomically: if this fails, an existing file is unchanged.

    Raises:
      InputError: the file cannot be written.
    """
    with atomic_write(path) as file:
        file.write(data)


def write_text(path: str, text: str) -> None:
    """Writes a small text as UTF-8, its line endings unchanged; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def to_json(value: Any, **options: Any) -> str:
    """Returns standard JSON, in which NaN and infinities become null.

    Args:
      value: nested dictionaries, lists, strings and numbers.
      **options: passed to `json.dumps`.
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
