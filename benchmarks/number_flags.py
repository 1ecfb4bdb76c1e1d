"""Flags that take a list of numbers."""

from __future__ import annotations

from absl import flags

from seq2seq_tf.errors import InputError


def whole_numbers(name: str) -> list[int]:
    """Returns the numbers, 1 or more each, of a list flag.

    Raises:
      InputError: something else is among them, or there are none.
    """
    texts: list[str] = flags.FLAGS[name].value or []
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise InputError(f"--{name}: whole numbers divided by commas were expected, got {','.join(texts)!r}")
    return numbers
