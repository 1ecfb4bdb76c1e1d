"""Mean and scale of each variable, with which a network turns raw numbers into its own unit and back.

They belong to the weights: `series.json` in the run folder contains them, and every file of weights its checksum.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text
from seq2seq_tf.training.run_dir import RunDir


class Scaling(NamedTuple):
    """Names of the variables, and mean and standard deviation of their values (or of their changes)."""

    names: tuple[str, ...]  # V
    mean: np.ndarray  # [V] float64
    scale: np.ndarray  # [V] float64, above 0


def differences(values: np.ndarray, steps: int) -> np.ndarray:
    """Returns the changes against `steps` steps earlier, [N - steps, V]; with steps=0 the values [N, V] themselves."""
    return values[steps:] - values[:-steps] if steps else values


def scaling_of(names: tuple[str, ...], values: np.ndarray, steps: int, where: str) -> Scaling:
    """Returns the scaling of the training rows.

    Args:
      names: of the variables.
      values: [N, V].
      steps: `model.difference`.
      where: the file, for the message.

    Raises:
      InputError: a variable never changes, so there is nothing to forecast.
    """
    changes = differences(values, steps)
    scale = changes.std(0)
    for name, column, found in zip(names, changes.T, scale, strict=True):
        if not found > 1e-12 * np.abs(column).max(initial=1e-300):
            what = f"the changes over {steps} steps" if steps else "the values"
            raise InputError(f"{where}: column {name!r}: {what} are all the same in the training rows")
    return Scaling(names, changes.mean(0), scale)


def scaling_file(run: RunDir) -> str:
    """Returns the path of series.json in a run folder."""
    return os.path.join(run.path, "series.json")


def write_scaling(run: RunDir, scaling: Scaling) -> None:
    """Writes series.json; Python's JSON restores every float exactly."""
    about = {"columns": scaling.names, "mean": scaling.mean.tolist(), "scale": scaling.scale.tolist()}
    write_text(scaling_file(run), json.dumps(about, indent=1) + "\n")


def load_scaling(run: RunDir) -> Scaling:
    """Reads series.json.

    Raises:
      InputError: the file is missing or damaged.
    """
    path = scaling_file(run)
    try:
        with open(path, encoding="utf-8") as file:
            about = json.load(file)
        found = Scaling(tuple(about["columns"]), *(np.array(about[name], np.float64) for name in ("mean", "scale")))
        if not len(found.names) == len(found.mean) == len(found.scale) or not (found.scale > 0).all():
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: missing or damaged") from None
    return found
