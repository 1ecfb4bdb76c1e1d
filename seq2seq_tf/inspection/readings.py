"""A text as a model reads it, with the value of every hidden unit after every token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SEPARATOR = "\n"  # between files


class Reading(NamedTuple):
    """A text as a model reads it, and the values of the U units after each of its T tokens."""

    side: str  # "text", "source" or "target"
    files: list[str]  # whole files; joined by SEPARATOR they start with the text that was read
    tokens: list[str]  # T characters or pieces as text; joined they are the text that was read
    spans: np.ndarray  # [T, 2] first character and end of each token
    values: np.ndarray  # [T, U] float32
    names: list[str]  # U; "layer_0/h/17", "encoder/layer_0/backward/c/3"


def token_spans(tokens: Sequence[str]) -> np.ndarray:
    """Returns the start and end of each of T tokens in the text that they spell, [T, 2]."""
    ends = np.cumsum([len(token) for token in tokens])
    return np.stack([np.concatenate([[0], ends[:-1]]), ends], 1)
