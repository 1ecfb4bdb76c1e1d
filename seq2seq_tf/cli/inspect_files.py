"""What the commands of seq2seq-inspect read and write."""

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
    """Returns the tasks that offer something of `inspection.abilities`, the default task first."""
    kinds = [kind for kind in TASKS.values() if ability in kind.inspects]
    return sorted(kinds, key=lambda kind: kind is not default_kind())


def module_of(kind: type[TaskConfig]) -> Any:
    """Returns the module of what a task offers, which imports no TensorFlow yet."""
    return importlib.import_module(kind.inspected_by)


def ability_of_run(ability: str, what: str) -> type[TaskConfig]:
    """Returns the task of a run, before TensorFlow, which `RunDir` needs, is imported.

    Raises:
      InputError: no run folder, or one of a task that has no `what`.
    """
    path, task = run_folder.task_of_run()
    possible = [kind.task for kind in kinds_that_show(ability)]
    if task not in possible:
        raise InputError(f"{path}: a run of {task}; {what} are shown of {' and '.join(possible) or 'no task'}")
    return TASKS[task]


def check_ending(flag: str, path: str | None, endings: Sequence[str]) -> None:
    """Raises InputError unless a path, if there is one, ends in one of the endings, and can be written."""
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
    """Writes files, each whole; all are made before the first is written, so what cannot be made leaves none."""
    for path, data in files.items():
        write_bytes(path, data)
    print("written:", ", ".join(files), file=sys.stderr)


@contextlib.contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Prints each warning that is raised inside as one line on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for warning in caught:
                print(f"warning: {warning.message}", file=sys.stderr)
