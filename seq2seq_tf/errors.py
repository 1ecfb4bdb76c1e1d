"""The one exception for mistakes in user input: a file, a line, a key, a flag."""

from __future__ import annotations

from collections.abc import Iterable

from seq2seq_tf.hints import similar


class InputError(ValueError):
    """Something in the user's input is wrong.

    The message is one line that names the file, line, key or flag. Programs print it and exit with code 2,
    without a traceback; library callers catch it as a `ValueError`.
    """


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns ' (did you mean "a" or "b"?)' for the known names that `name` may have meant, or ''."""
    meant = similar(name, known)
    return f" (did you mean {' or '.join(map(repr, meant))}?)" if meant else ""


class TrainingError(RuntimeError):
    """Training cannot continue (a loss that is not a number, say); the message says where and what was kept."""
