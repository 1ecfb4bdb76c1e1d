"""The example configurations: configs/ of a checkout, which an installed package contains."""

from __future__ import annotations

import re
from pathlib import Path

from seq2seq_tf.errors import InputError, nearest

_PACKAGE = Path(__file__).parents[1]


def folder() -> Path:
    """Returns the folder of the files: in an installed package (put there by setup.cfg), or beside it in a checkout."""
    inside = _PACKAGE / "configs"
    return inside if inside.is_dir() else _PACKAGE.parent / "configs"


def names() -> list[str]:
    """Returns the names of the examples: their file names without .yaml."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def path_of(name: str) -> Path:
    """Returns the file of an example, named with or without .yaml; raises InputError if there is no such example."""
    name = name.removesuffix(".yaml")
    if name not in names():
        raise InputError(f"{name!r} is not an example{nearest(name, names())}; the examples are {', '.join(names())}")
    return folder() / f"{name}.yaml"


def about(text: str) -> str:
    """Returns the first sentence of an example's first comment, without a pointer to the documentation."""
    comment = re.search(r"^# (.*(?:\n# .*)*)", text, re.MULTILINE)
    sentence = re.split(r"[.:]\s|[.:]$", comment[1].replace("\n# ", " "))[0] if comment else ""
    return re.sub(r" \([^()]*docs/[^()]*\)$", "", sentence)


def instead_of(path: str) -> str:
    """Returns a hint for the message that a file is missing: how to print the example of that name, or ''."""
    name = Path(path).stem
    return f" (`seq2seq-config show {name}` prints the example of that name)" if name in names() else ""
