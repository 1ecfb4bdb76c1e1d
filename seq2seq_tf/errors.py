"""The exceptions for mistakes in user input (a file, line, key or flag) and for training that cannot continue."""

from __future__ import annotations

from collections.abc import Iterable

from seq2seq_tf.hints import similar


class InputError(ValueError):
    """Something in the user's input is wrong.

    The message is one line that names the file, line, key or flag. Programs print it and exit with code 2,
    without a traceback; library callers can catch it as a `ValueError`.
    """


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns " (did you mean 'a' or 'b'?)" with the known names closest to `name`, or ""."""
    meant = similar(name, known)
    return f" (did you mean {' or '.join(map(repr, meant))}?)" if meant else ""


class TrainingError(RuntimeError):
    """Training cannot continue, for example as the loss is not finite; the message says where and what was kept."""
