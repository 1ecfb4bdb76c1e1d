"""The registry of tasks, used when configuration files are read; `seq2seq_tf.tasks` fills it."""

from __future__ import annotations

import importlib
from typing import Any

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.errors import InputError, nearest

DEFAULT_TASK = "translation"  # of a file that names none

TASKS: dict[str, type[TaskConfig]] = {}  # name in configuration files -> class; importing seq2seq_tf.tasks fills it


def register(*kinds: type[TaskConfig]) -> None:
    """Registers configuration classes under the names of their tasks."""
    TASKS.update({kind.task: kind for kind in kinds})


def default_kind() -> type[TaskConfig]:
    """Returns the configuration class for a file that names no task."""
    return TASKS[DEFAULT_TASK]


def python_api(task: str) -> Any:
    """Returns the class for using a task's trained runs, such as `Translator`.

    Raises:
      InputError: there is no such task.
    """
    if task not in TASKS:
        raise InputError(f"there is no task {task!r} in this package{nearest(task, TASKS)}")
    module, _, name = TASKS[task].python_api.partition(":")
    return getattr(importlib.import_module(module), name)
