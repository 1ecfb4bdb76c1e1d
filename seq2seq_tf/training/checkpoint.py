"""Checkpoint files: named arrays and a small JSON state, written completely or not at all.

A file is a NumPy .npz (a zip, so every array has a checksum): it can be read without TensorFlow, and an incomplete one
is noticed, since loading compares names, shapes and types with those of the variables.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq_tf.errors import InputError, nearest
from seq2seq_tf.files import atomic_write

if TYPE_CHECKING:
    import tensorflow as tf

_STATE = "state.json"


def save(path: str, variables: Mapping[str, tf.Variable], state: Mapping[str, Any]) -> None:
    """Writes variables and state to `path`; a crash or a full disk leaves an old file at `path` untouched.

    Raises:
      InputError: the file cannot be written (full disk, no permission).
    """
    arrays = {name: variable.numpy() for name, variable in variables.items()}
    save_arrays(path, arrays, state)


def save_arrays(path: str, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
    """Writes arrays and state to `path`, as `save` does for variables."""
    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    with atomic_write(path, "cannot write the checkpoint") as file:
        np.savez(file, allow_pickle=False, **{_STATE: text, **arrays})


def load_arrays(path: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads all arrays and the state, verifying each checksum.

    Raises:
      InputError: the file is missing, unreadable, truncated or damaged.
    """
    # np.load would stop reading, and verifying, where a damaged header puts the end of the array.
    with _archive(path) as archive:
        arrays = {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}
        state = json.loads(arrays.pop(_STATE).tobytes())
    return arrays, state


def load_state(path: str) -> dict[str, Any]:
    """Reads only the state; raises InputError as `load_arrays` does."""
    with _archive(path) as archive:
        state: dict[str, Any] = json.loads(_array(archive.read(_STATE + ".npy")).tobytes())
    return state


@contextlib.contextmanager
def _archive(path: str) -> Iterator[zipfile.ZipFile]:
    """Opens a checkpoint; whatever goes wrong while it is read becomes an InputError."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; here only opening may fail
    except FileNotFoundError:
        raise InputError(f"{path}: no such checkpoint") from None
    except OSError as error:
        raise InputError(f"{path}: cannot read the checkpoint: {error.strerror}") from None
    with file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except Exception as error:  # a damaged zip raises about ten kinds of exception
            problem = " ".join(str(error).split())
            raise InputError(f"{path}: damaged or truncated checkpoint: {problem}") from None


def _array(content: bytes) -> np.ndarray:
    array: np.ndarray = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return array


def assign(path: str, arrays: Mapping[str, np.ndarray], variables: Mapping[str, tf.Variable]) -> None:
    """Assigns arrays to the variables of the same names; checks everything before changing anything.

    Raises:
      InputError: see `check`.
    """
    check(path, arrays, variables)
    for name, variable in variables.items():
        variable.assign(arrays[name])


def check(path: str, arrays: Mapping[str, np.ndarray], variables: Mapping[str, tf.Variable]) -> None:
    """Compares arrays with variables.

    Args:
      path: the file that the arrays come from, for error messages.

    Raises:
      InputError: a variable is missing, unknown, or of a different shape or type (the first one is named).
    """
    for name, variable in variables.items():
        if name not in arrays:
            raise InputError(f"{path}: lacks the variable {name!r}{nearest(name, arrays)}")
        if arrays[name].shape != tuple(variable.shape):
            raise InputError(
                f"{path}: variable {name!r} has shape {arrays[name].shape}, the model needs {tuple(variable.shape)}"
            )
        if arrays[name].dtype != variable.dtype.as_numpy_dtype:
            raise InputError(
                f"{path}: variable {name!r} has type {arrays[name].dtype}, the model needs {variable.dtype.name}"
            )
    unknown = sorted(set(arrays) - set(variables))
    if unknown:
        raise InputError(f"{path}: contains {unknown[0]!r}, which the model does not have ({len(unknown)} in all)")
