"""Chooses the final weights: those of the best validation, or the average of several."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.tokenizers import check_tokenizers
from seq2seq_tf.training.validation import score_of


class Choice(NamedTuple):
    """A candidate for the final weights."""

    label: str
    arrays: dict[str, np.ndarray]


def choices(
    paths: Sequence[str], variables: Mapping[str, tf.Variable], run: RunDir, say: Callable[[str], None]
) -> list[Choice]:
    """Returns the best weights and the average of all of them, as far as their files can be read.

    A damaged or missing file does not keep a trained run from ending: it is excluded, with a warning.

    Args:
      paths: files of the best weights, best first.
      variables: of the model; their current values are used if no file can be read.
      run: its tokenizers are compared with those of the weights.
      say: gets a line for each file that is excluded.
    """
    loaded = []
    for path in paths:
        try:
            arrays, state = checkpoint.load_arrays(path)
            check_tokenizers(path, state, run)
            checkpoint.check(path, arrays, variables)
        except InputError as error:
            say(f"warning: excluded from the final weights: {error}")
        else:
            loaded.append(arrays)
    if not loaded:
        return [Choice("last update", {name: variable.numpy() for name, variable in variables.items()})]
    lost = len(loaded) < len(paths)
    found = [Choice("best checkpoint that could be read" if lost else "best checkpoint", loaded[0])]
    if len(loaded) > 1:
        mean = {
            name: np.asarray(np.mean([arrays[name] for arrays in loaded], axis=0, dtype=np.float32))
            for name in loaded[0]
        }
        found.append(Choice(f"average of the {len(loaded)} best{' that could be read' if lost else ''}", mean))
    return found


def best_of(
    found: Sequence[Choice],
    variables: Mapping[str, tf.Variable],
    validate: Callable[[], dict[str, float]],
    metric: str,
) -> tuple[Choice, dict[str, float]]:
    """Returns the choice that scores highest, and its scores; its weights are then assigned to the variables.

    Args:
      found: from `choices`.
      variables: of the model.
      validate: scores the current values of the variables.
      metric: decides; the loss breaks ties.
    """
    scored = []
    for choice in found:
        checkpoint.assign(choice.label, choice.arrays, variables)
        scored.append((choice, validate()))

    def rank(entry: tuple[Choice, dict[str, float]]) -> list[float]:
        values = (score_of(entry[1], metric), -entry[1]["loss"])
        return [-math.inf if math.isnan(value) else value for value in values]

    best = max(scored, key=rank)
    checkpoint.assign(best[0].label, best[0].arrays, variables)
    return best
