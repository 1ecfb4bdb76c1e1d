"""The one exception for mistakes in what a user gave: a file, a line, a key, a flag."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one line that names the file, line, key or flag. Programs print it and exit with code 2,
    without a traceback; library callers catch it as a `ValueError`.
    """


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns ' (did you mean "a" or "b"?)' for the known names closest to `name`, or ''."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    if not close:
        tail = name.rsplit(".", 1)[-1]  # "batch_tokens" finds "data.batch_tokens"
        close = [k for k in known if difflib.SequenceMatcher(None, tail, k.rsplit(".", 1)[-1]).ratio() > 0.7][:2]
    return f" (did you mean {' or '.join(repr(c) for c in close)}?)" if close else ""


class TrainingError(RuntimeError):
    """Training cannot go on (a loss that is not a number, say); the message says where and what was kept."""
