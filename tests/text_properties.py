"""Helpers for tests of text properties, and files to test them on."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import numpy as np

from seq2seq_tf.inspection.properties import all_properties

STDLIB = Path(sysconfig.get_path("stdlib"))
FILES = ["textwrap.py", "dataclasses.py", "ast.py", "string.py", "shlex.py"]


def values(text: str, kind: str = "python") -> dict[str, np.ndarray]:
    """Returns property name -> value at each character."""
    found = all_properties(text, kind)
    assert all(len(p.values) == len(text) for p in found)
    assert all(p.values.dtype == {"binary": bool, "number": np.float32}[p.kind] for p in found)
    return {p.name: p.values for p in found}


def marks(text: str, name: str, kind: str = "python") -> str:
    """Returns the text with a dot for each character without the property; line breaks stay."""
    inside = values(text, kind)[name]
    return "".join(c if on or c == "\n" else "." for c, on in zip(text, inside, strict=True))


def numbers(text: str, name: str, kind: str = "python") -> str:
    """Returns the values of a numeric property as digits."""
    return "".join(str(int(n)) for n in values(text, kind)[name])
