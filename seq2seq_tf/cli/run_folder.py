"""The run folder named by --model_dir, checked before the slow import of TensorFlow."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol, TypeVar

from absl import flags

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import task_of, wrong_run
from seq2seq_tf.errors import InputError

if TYPE_CHECKING:
    from seq2seq_tf.training.weights import Weights


class HasWeights(Protocol):
    """A loaded run of any task."""

    weights: Weights


_Loaded = TypeVar("_Loaded", bound=HasWeights)


def model_dir(kind: type[TaskConfig]) -> str:
    """Returns --model_dir, after checking that it is a run of the task.

    Raises:
      InputError: --model_dir is missing, is not a run folder, or is a run of another task; the message then names the
        program for that task.
    """
    path, task = task_of_run()
    if task != kind.task:
        raise wrong_run(path, task)
    return path


def task_of_run() -> tuple[str, str]:
    """Returns --model_dir and the task of that run.

    Raises:
      InputError: --model_dir is missing or is not a run folder.
    """
    path = flags.FLAGS.model_dir
    if not path:
        raise InputError("--model_dir must name the run folder")
    return task_in(path)


def task_in(path: str) -> tuple[str, str]:
    """Returns a run folder and the task of that run.

    Raises:
      InputError: it is not a run folder.
    """
    config_file = os.path.join(path, "config.yaml")
    if not os.path.exists(config_file):
        raise InputError(f"{path}: not a run folder (it has no config.yaml)")
    return path, task_of(config_file)


def say_weights(loaded: _Loaded) -> _Loaded:
    """Prints to standard error which weights are used, for a finished run only on a terminal; returns the run."""
    if not loaded.weights.final:
        print(f"warning: {loaded.weights.path}: {loaded.weights}", file=sys.stderr)
    elif sys.stderr.isatty():
        print(f"{loaded.weights.path}: {loaded.weights}", file=sys.stderr)
    return loaded
