"""Checks of texts passed by Python callers: anything that is not a text is reported before any computation."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from seq2seq_tf.errors import InputError


def check_texts(given: Any, name: str = "texts") -> list[str]:
    """Returns texts from any ordered iterable (list, tuple, array or series of strings, generator, ...) as a list.

    Args:
      given: value passed by the caller.
      name: name of the argument, for the message.

    Raises:
      InputError: `given` is a single text, has no order or is not iterable, or an item is not a text (the message
        gives its number, from 1, and its type).
    """
    if isinstance(given, str):
        raise InputError(f"{name} must be a list of texts, got one text")
    if isinstance(given, bytes | bytearray | Mapping | Set):
        raise InputError(f"{name} must be a list of texts, got {_kind(given)}")
    try:
        items = list(given)
    except TypeError:
        raise InputError(f"{name} must be a list of texts, got {_kind(given)}") from None
    return [check_text(item, f"{name}: item {number}") for number, item in enumerate(items, start=1)]


def check_text(given: Any, name: str) -> str:
    """Returns `given` as a plain `str`.

    Raises:
      InputError: it is not a str, or contains surrogates, which cannot be encoded as UTF-8.
    """
    if not isinstance(given, str):
        hint = "; decode it first" if isinstance(given, bytes | bytearray) else ""
        raise InputError(f"{name} must be a str, got {_kind(given)}{hint}")
    if not given.isascii():
        try:
            given.encode("utf-8")
        except UnicodeEncodeError as error:
            column = f"{given[error.start]!r} at column {error.start + 1}"
            raise InputError(f"{name} is not valid Unicode ({column}); was it read with another encoding?") from None
    return str(given)  # also converts NumPy strings


def _kind(given: Any) -> str:
    return type(given).__name__
