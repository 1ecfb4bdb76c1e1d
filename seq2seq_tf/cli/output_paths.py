"""Checks that an output can be written, before the work begins."""

from __future__ import annotations

import errno
import os
import stat

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import PART

_NOT_HERE = (errno.ENOENT, errno.ENOTDIR)


def check_output(path: str, *, folder: bool = False) -> None:
    """Raises InputError unless a file (or folder) can be written at the path; creates and changes nothing.

    Args:
      path: path of a file, whose folder must exist, or of a folder, whose parents need not exist.
      folder: whether the path is that of a folder.
    """
    try:
        found = _status(path)
        _status(path + PART)
        if found and folder != stat.S_ISDIR(found.st_mode):
            raise InputError(f"{path}: cannot be written: {'not a folder' if folder else 'is a folder'}")
        if found and not folder and (not stat.S_ISREG(found.st_mode) or _is_stream(path)):
            raise InputError(f"{path}: cannot be written: not a file on disk (it is written beside it and renamed)")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    above = path if found and folder else _folder_of(path)
    while folder and not os.path.lexists(above):
        above = _folder_of(above)
    if not os.path.isdir(above):
        what = "not a folder" if os.path.lexists(above) else "no such folder"
        raise InputError(f"{path}: cannot be written: {what}: {above}")
    if not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{path}: cannot be written: no permission to write in {above}")


def _folder_of(path: str) -> str:
    return os.path.dirname(path) or os.curdir  # of the path as given: made absolute, "missing/../x" would seem fine


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError as error:
        if error.errno in _NOT_HERE:
            return None
        raise


def _is_stream(path: str) -> bool:
    """Returns whether the path names an open stream such as /dev/stdout, which renaming a file to it would replace."""
    return os.path.islink(path) and os.readlink(path).startswith("/proc/")
