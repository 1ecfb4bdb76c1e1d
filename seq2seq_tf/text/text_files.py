"""Plain text files: finding them, choosing those to hold out, and reading them."""

from __future__ import annotations

import fnmatch
import os
from typing import NamedTuple

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import decode_line, text_hash

_BOM = b"\xef\xbb\xbf"


class TextFiles(NamedTuple):
    """Files below one folder, or a single file."""

    root: str
    names: tuple[str, ...]  # relative to the root, sorted, separated by / on every system

    def paths(self) -> list[str]:
        """Returns the paths of the files, including the root."""
        return [os.path.join(self.root, *name.split("/")) for name in self.names]


def find_text_files(path: str, pattern: str, exclude: str) -> TextFiles:
    """Returns a single file, or the files in a folder and its subfolders.

    Args:
      path: file or folder.
      pattern: shell pattern that file names must match; ignored for a single file.
      exclude: shell patterns separated by commas; files and folders whose names match one are left out.

    Raises:
      InputError: `path` does not exist, or is a folder without matching files.
    """
    if os.path.isfile(path):
        return TextFiles(os.path.dirname(path), (os.path.basename(path),))
    if not os.path.isdir(path):
        raise InputError(f"{path}: no such file or folder")
    left_out = [entry.strip() for entry in exclude.split(",") if entry.strip()]

    def wanted(name: str) -> bool:
        return not any(fnmatch.fnmatchcase(name, entry) for entry in left_out)

    names = []
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if wanted(name)]
        for name in files:
            whole = os.path.join(folder, name)
            if wanted(name) and fnmatch.fnmatchcase(name, pattern) and os.path.isfile(whole):
                names.append(os.path.relpath(whole, path).replace(os.sep, "/"))
    if not names:
        raise InputError(f"{path}: no files match {pattern!r} in this folder")
    return TextFiles(path, tuple(sorted(names)))


def held_out(name: str, valid_share: float, test_share: float) -> str:
    """Returns the part of a file (train, valid or test), determined by a hash of its relative name.

    A file thus stays in its part on every machine, whichever other files are added or removed.
    """
    place = text_hash(name) / 2.0**64
    if place < test_share:
        return "test"
    return "valid" if place < test_share + valid_share else "train"


def share_out(files: TextFiles, valid_share: float, test_share: float) -> dict[str, TextFiles]:
    """Divides files into train, valid and test with `held_out`; returns part -> its files."""
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    for name in files.names:
        parts[held_out(name, valid_share, test_share)].append(name)
    return {part: TextFiles(files.root, tuple(names)) for part, names in parts.items()}


def read_text(path: str) -> str:
    """Returns the content of a UTF-8 file, with CR LF replaced by LF and without a byte order mark.

    Raises:
      InputError: the file cannot be read, or is not UTF-8 (the message gives the line).
    """
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    raw = raw.removeprefix(_BOM).replace(b"\r\n", b"\n")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        for number, line in enumerate(raw.split(b"\n"), start=1):
            decode_line(line, path, number)  # raises for the line at fault
        raise
