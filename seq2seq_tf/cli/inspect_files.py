"""What the commands of seq2seq-inspect read and write."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from seq2seq_tf.cli import run_folder
from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_bytes
from seq2seq_tf.text.lines import iter_lines, iter_pairs

if TYPE_CHECKING:
    from seq2seq_tf.tasks.translation.config import TranslationConfig

PAGE_ENDINGS = (".html", ".htm")
PICTURE_ENDINGS = (".png",)


def task_of_run(possible: Sequence[str], what: str) -> str:
    """Returns the task of a run, before TensorFlow, which `RunDir` needs, is imported.

    Raises:
      InputError: no run folder, or one of a task that has no `what`.
    """
    path, task = run_folder.task_of_run()
    if task not in possible:
        raise InputError(f"{path}: a run of {task}; {what} are shown of {' and '.join(possible)}")
    return task


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
        yield
    for warning in caught:
        print(f"warning: {warning.message}", file=sys.stderr)


def sentences(config: TranslationConfig, source: str | None, target: str | None) -> tuple[list[str], list[str] | None]:
    """Returns lines to look at and their translations, or None where no file holds any.

    Args:
      config: its test files, or else its held-out ones, serve if no file is named.
      source, target: files named by flags.

    Raises:
      InputError: no such file, lines of different number, only --target.
    """
    if target and not source:
        raise InputError("--target holds translations of --text: name both")
    if source:
        if not target:
            return list(iter_lines(source)), None
        return _columns(source, target)
    data = config.data
    for known, translated in ((data.test_source, data.test_target), (data.valid_source, data.valid_target)):
        if known and translated and os.path.isfile(known) and os.path.isfile(translated):
            return _columns(known, translated)
    raise InputError("the held-out files of the run are not here: name a text with --text (and --target)")


def _columns(source: str, target: str) -> tuple[list[str], list[str]]:
    pairs = list(iter_pairs(source, target))
    return [s for s, _ in pairs], [t for _, t in pairs]


def first_characters(texts: Sequence[str], characters: int) -> int:
    """Returns how many texts are needed for that many characters."""
    lengths = itertools.accumulate(len(text) + 1 for text in texts)
    return next((n for n, length in enumerate(lengths, 1) if length >= characters), len(texts))
