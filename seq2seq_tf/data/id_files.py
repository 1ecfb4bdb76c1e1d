"""Files of ids that are memory-mapped during training."""

from __future__ import annotations

import os

import numpy as np

from seq2seq_tf.errors import InputError


def remade(path: str) -> str:
    """Returns the remedy for a damaged file of prepared data, for messages."""
    return f"delete the folder {os.path.dirname(path)} and start again; it will be prepared from the text"


def map_ids(path: str, dtype: np.dtype, count: int) -> np.ndarray:
    """Memory-maps a file of `count` ids.

    Raises:
      InputError: the file is missing, or its size does not match `count`.
    """
    try:
        size = os.path.getsize(path)
    except OSError:
        raise InputError(f"{path}: no such file; {remade(path)}") from None
    if count < 1 or size != count * dtype.itemsize:
        whole, rest = divmod(size, dtype.itemsize)
        part = " and part of another" if rest else ""
        raise InputError(f"{path}: contains {whole} ids{part}, expected {count}; {remade(path)}")
    return np.memmap(path, dtype=dtype, mode="r", shape=(count,))


def load_offsets(path: str) -> np.ndarray:
    """Reads the boundaries of concatenated sequences: [sequences + 1] int64, starting at 0, not decreasing.

    Raises:
      InputError: the file is missing or damaged.
    """
    offsets = load_array(path)
    if offsets.dtype != np.int64 or offsets.ndim != 1 or len(offsets) < 2 or offsets[0] != 0:
        raise InputError(f"{path}: damaged; {remade(path)}")
    if np.any(offsets[1:] < offsets[:-1]):
        raise InputError(f"{path}: damaged; {remade(path)}")
    return offsets


def load_array(path: str, *, mapped: bool = False) -> np.ndarray:
    """Reads or memory-maps an .npy file.

    Raises:
      InputError: the file is missing or damaged.
    """
    try:
        array: np.ndarray = np.load(path, mmap_mode="r" if mapped else None)
    except (OSError, ValueError, EOFError, SyntaxError):  # a damaged header raises any of these
        raise InputError(f"{path}: missing or damaged; {remade(path)}") from None
    return array
