"""Texts passed by Python callers: anything that is not a text is named before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from seq2seq_tf.errors import InputError


def check_texts(given: Any, name: str = "texts") -> list[str]:
    """Returns texts as a list: of a list, a tuple, an array or series of strings, a generator, ...

    Args:
      given: what the caller handed over.
      name: of the argument, for the message.

    Raises:
      InputError: one text instead of several, something without an order, or an item that is no text (its number, from
        1, and its type are named).
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
    """Returns one text.

    Raises:
      InputError: it is no str, or holds what is no character and cannot be written as UTF-8.
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
    return str(given)  # of NumPy's strings too


def _kind(given: Any) -> str:
    return type(given).__name__
