"""What was prepared for a run, and from which text: checksums in checksums.json, taken when preparing ends.

Damaged ids would be trained on silently, and scores on held-out text that changed during a run could not be compared.
The file lies beside data/, so that data prepared again can be compared with what the weights were trained on. Runs
prepared without it are accepted as they are.
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

Texts = Mapping[str, Sequence[str]]  # option that names them -> files


def seal_prepared(run: RunDir, about: Any, texts: Texts) -> None:
    """Ends preparing: notes the checksums of data/ and of the texts, and writes prepared.json last.

    Args:
      about: counts for prepared.json.
      texts: from which the data were made, and those that are read anew at each start.

    Raises:
      InputError: the run has weights already, trained on other data.
    """
    noted = _noted(run)
    data = {name: file_hash([os.path.join(run.data, name)]) for name in _files(run)}
    if run.has_weights and noted and noted["data"] != data:
        raise InputError(
            f"{run.data}: prepared again, but not as the weights of this run were trained on: the text of "
            f"{' or '.join(texts)} or the program has changed; use another --model_dir"
        )
    found = {name: file_hash(paths) for name, paths in texts.items()}
    _note(run, data, found)
    write_text(run.prepared, json.dumps(about))


def check_prepared(run: RunDir, texts: Texts, read_anew: Iterable[str], say: Callable[[str], None]) -> None:
    """Compares what a run is about to read with the checksums.

    Args:
      texts: as for `seal_prepared`; of those that are not read anew, files may be gone.
      read_anew: the options whose texts are read at each start: held-out text that ranks the weights.

    Raises:
      InputError: damaged data, or text of `read_anew` that is not what this run began with.
    """
    noted = _noted(run)
    if not noted:
        if run.has_weights and not os.path.exists(run.prepared):
            say(f"note: {run.data} is prepared again; without checksums, its text may not be the one trained on")
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
    if anew.intersection(changed):  # nothing was validated yet
        _note(run, noted["data"], {**noted["texts"], **{name: found[name] for name in anew.intersection(found)}})
    if os.path.exists(run.prepared):
        _check_data(run, noted["data"])


def check_data(run: RunDir) -> None:
    """Compares data/ alone with the checksums, for callers other than training.

    Raises:
      InputError: a file of it is missing or damaged.
    """
    if noted := _noted(run):
        _check_data(run, noted["data"])


def _check_data(run: RunDir, noted: Mapping[str, str]) -> None:
    remedy = f"delete the folder {run.data} and start again: it is prepared again from the text"
    for name, wanted in noted.items():
        path = os.path.join(run.data, name)
        if not os.path.exists(path):
            raise InputError(f"{path}: no such file; {remedy}")
        if file_hash([path]) != wanted:
            raise InputError(f"{path}: damaged: not what was prepared; {remedy}")


def file_hash(paths: Iterable[str]) -> str:
    """Returns a hash of the content of files in their order; their names do not matter.

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
    """Returns what stands in checksums.json; nothing in a run without it."""
    try:
        with open(run.checksums, encoding="utf-8") as file:
            noted = json.load(file)
        return {part: dict(noted[part]) for part in ("data", "texts")}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{run.checksums}: damaged; delete it to continue without these checks") from None
