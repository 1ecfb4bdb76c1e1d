"""Checksums of the prepared data and of the texts they come from: checksums.json, written when preparation ends.

Without them, damaged ids would be trained on silently, and scores would not be comparable if the held-out text changed
during a run. The file is kept beside data/, so that data prepared again can be compared with what the weights were
trained on. Runs prepared without it are accepted as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import PART, write_text
from seq2seq_tf.training.run_dir import RunDir

Texts = Mapping[str, Sequence[str]]  # option that names the files -> files


def seal_prepared(run: RunDir, about: Any, texts: Texts) -> None:
    """Completes preparation: records the checksums of data/ and of the texts, and writes prepared.json last.

    Args:
      about: counts for prepared.json.
      texts: those the data were made from, and those that are read at each start.

    Raises:
      InputError: the run already has weights, trained on other data.
    """
    noted = _noted(run)
    data = {name: file_hash([os.path.join(run.data, name)]) for name in _files(run)}
    if run.has_weights and noted and noted["data"] != data:
        raise InputError(
            f"{run.data}: the data prepared again differ from those that the weights of this run were trained on: the "
            f"text of {' or '.join(texts)} or the program has changed; use another --model_dir"
        )
    found = {name: file_hash(paths) for name, paths in texts.items()}
    _note(run, data, found)
    write_text(run.prepared, json.dumps(about))


def check_prepared(run: RunDir, texts: Texts, read_anew: Iterable[str], say: Callable[[str], None]) -> None:
    """Compares what a run is about to read with the checksums.

    Args:
      texts: as for `seal_prepared`; files of those not in `read_anew` may be gone.
      read_anew: the options whose texts are read at each start: held-out text that ranks the weights.
      say: gets a line for each difference that is accepted.

    Raises:
      InputError: the data are damaged, or a text of `read_anew` has changed since this run began.
    """
    noted = _noted(run)
    if not noted:
        if run.has_weights and not os.path.exists(run.prepared):
            say(f"note: {run.data} is prepared again; without checksums, its text may differ from the one trained on")
        return
    anew = set(read_anew)
    there = {
        name: paths for name, paths in texts.items() if name in anew or (paths and all(map(os.path.exists, paths)))
    }
    found = {name: file_hash(paths) for name, paths in there.items()}
    changed = [name for name, value in found.items() if noted["texts"].get(name, value) != value]
    for name in changed:
        if name in anew and run.has_weights:
            raise InputError(
                f"{name}: this text has changed since the run in {run.path} began, and scores on two texts cannot be "
                "compared; restore the old text, or use another --model_dir"
            )
        if name not in anew:
            say(f"note: the text of {name} has changed since it was prepared; the run continues with {run.data}")
    if anew.intersection(changed):  # nothing has been validated yet
        _note(run, noted["data"], {**noted["texts"], **{name: found[name] for name in anew.intersection(found)}})
    if os.path.exists(run.prepared):
        _check_data(run, noted["data"])


def check_data(run: RunDir) -> None:
    """Compares only data/ with the checksums, for callers other than training.

    Raises:
      InputError: a file in data/ is missing or damaged.
    """
    if noted := _noted(run):
        _check_data(run, noted["data"])


def _check_data(run: RunDir, noted: Mapping[str, str]) -> None:
    remedy = f"delete the folder {run.data} and start again; it will be prepared from the text"
    for name, wanted in noted.items():
        path = os.path.join(run.data, name)
        if not os.path.exists(path):
            raise InputError(f"{path}: no such file; {remedy}")
        if file_hash([path]) != wanted:
            raise InputError(f"{path}: damaged: differs from what was prepared; {remedy}")


def file_hash(paths: Iterable[str]) -> str:
    """Returns a hash of the contents of files in this order; their names do not matter.

    Raises:
      InputError: a file cannot be read.
    """
    together = hashlib.blake2b(digest_size=16)
    for path in paths:
        try:
            with open(path, "rb") as file:
                together.update(hashlib.file_digest(file, "blake2b").digest())
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return together.hexdigest()


def _files(run: RunDir) -> list[str]:
    prepared = os.path.basename(run.prepared)
    return sorted(name for name in os.listdir(run.data) if name != prepared and not name.endswith(PART))


def _note(run: RunDir, data: Mapping[str, str], texts: Mapping[str, str]) -> None:
    write_text(run.checksums, json.dumps({"data": data, "texts": texts}, indent=1) + "\n")


def _noted(run: RunDir) -> dict[str, dict[str, str]]:
    """Returns the content of checksums.json; {} for a run without it."""
    try:
        with open(run.checksums, encoding="utf-8") as file:
            noted = json.load(file)
        return {part: dict(noted[part]) for part in ("data", "texts")}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{run.checksums}: damaged; delete it to continue without these checks") from None
