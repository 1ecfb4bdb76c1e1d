"""Flags whose value is a list of numbers."""

from __future__ import annotations

from absl import flags

from seq2seq_tf.errors import InputError


def whole_numbers(name: str) -> list[int]:
    """Returns the value of a list flag as whole numbers of at least 1.

    Raises:
      InputError: an item is not such a number, or there are none.
    """
    texts: list[str] = flags.FLAGS[name].value or []
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise InputError(f"--{name}: must be whole numbers from 1, separated by commas, got {','.join(texts)!r}")
    return numbers
