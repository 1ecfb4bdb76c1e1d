"""The run folder that --model_dir names, checked before TensorFlow, which is slow to import, is needed."""

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
    """A run in use, of any task."""

    weights: Weights


_Loaded = TypeVar("_Loaded", bound=HasWeights)


def model_dir(kind: type[TaskConfig]) -> str:
    """Returns --model_dir, a run of the task.

    Raises:
      InputError: none is named, it is no run folder, or it is a run of another task; the message names the program
        for that one.
    """
    path, task = task_of_run()
    if task != kind.task:
        raise wrong_run(path, task)
    return path


def task_of_run() -> tuple[str, str]:
    """Returns --model_dir and the task of that run."""
    path = flags.FLAGS.model_dir
    if not path:
        raise InputError("--model_dir must name the run folder")
    config_file = os.path.join(path, "config.yaml")
    if not os.path.exists(config_file):
        raise InputError(f"{path}: not a run folder (it has no config.yaml)")
    return path, task_of(config_file)


def say_weights(loaded: _Loaded) -> _Loaded:
    """Prints on standard error which weights are in use; for a finished run only if that is a terminal."""
    if not loaded.weights.final:
        print(f"warning: {loaded.weights.path}: {loaded.weights}", file=sys.stderr)
    elif sys.stderr.isatty():
        print(f"{loaded.weights.path}: {loaded.weights}", file=sys.stderr)
    return loaded
