"""The runs that the commands of seq2seq-inspect read, and the files that they write."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seq2seq_tf.cli import run_folder
from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.registry import default_kind
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_bytes
from seq2seq_tf.tasks import TASKS

PAGE_ENDINGS = (".html", ".htm")
PICTURE_ENDINGS = (".png",)


def kinds_that_show(ability: str) -> list[type[TaskConfig]]:
    """Returns the tasks that offer an ability (see `inspection.abilities`), the default task first."""
    kinds = [kind for kind in TASKS.values() if ability in kind.inspects]
    return sorted(kinds, key=lambda kind: kind is not default_kind())


def module_of(kind: type[TaskConfig]) -> Any:
    """Returns the module with which a task is inspected; importing it does not import TensorFlow."""
    return importlib.import_module(kind.inspected_by)


def ability_of_run(ability: str, what: str) -> type[TaskConfig]:
    """Returns the task of the run --model_dir, without importing TensorFlow, which `RunDir` needs.

    Args:
      ability: the ability that the task must offer (see `inspection.abilities`).
      what: its name in the message.

    Raises:
      InputError: --model_dir is missing, is not a run folder, or is a run of a task without the ability.
    """
    return check_ability(*run_folder.task_of_run(), ability, what)


def check_ability(path: str, task: str, ability: str, what: str) -> type[TaskConfig]:
    """Returns the task of a run that offers an ability; see `ability_of_run`.

    Raises:
      InputError: it is a run of a task without the ability.
    """
    possible = [kind.task for kind in kinds_that_show(ability)]
    if task not in possible:
        raise InputError(f"{path}: a run of {task}; {what} are available for {' and '.join(possible) or 'no task'}")
    return TASKS[task]


def check_ending(flag: str, path: str | None, endings: Sequence[str]) -> None:
    """Raises InputError if a path is given and does not end in one of the endings or cannot be written."""
    if not path:
        return
    if os.path.splitext(path)[1].lower() not in endings:
        raise InputError(f"--{flag} must end in {' or '.join(endings)}, got {path}")
    check_output(path)


def numbered(path: str, names: Sequence[str]) -> list[str]:
    """Returns one path per name: the path itself for a single one, else STEM_NAME.ENDING."""
    if len(names) == 1:
        return [path]
    stem, ending = os.path.splitext(path)
    return [f"{stem}_{name}{ending}" for name in names]


def write_all(files: Mapping[str, bytes]) -> None:
    """Writes path -> content, each file atomically; as all contents exist by now, a failure to make one leaves none."""
    for path, data in files.items():
        write_bytes(path, data)
    print("written:", ", ".join(files), file=sys.stderr)


@contextlib.contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Prints each warning raised inside the context as one line on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for warning in caught:
                print(f"warning: {warning.message}", file=sys.stderr)
