"""What a killed run leaves: copies its folder before each file operation, and resumes training from each copy.

Data that a program has not yet passed to the system die with it, so a copy of the files at that moment is exactly what
a kill leaves; no exception handler runs. All copies of a task are resumed with one traced model, reset to its start
before each, because tracing takes seconds while the few remaining updates do not.
"""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.cleanup import free
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from seq2seq_tf.training.trainer import Trainer
from tests.every_task import Example, prepare

_TIMES = {"tokens_per_second", "elapsed_seconds"}  # may differ between two equal runs
_OF_A_START = ("lock", "lock.json", "machine.json", "train.log")


class Recorder:
    """Copies a folder before each file operation, if it has changed since the last copy.

    Args:
      folder: the folder to watch.
      out: folder for the numbered copies.
    """

    def __init__(self, folder: Path, out: Path) -> None:
        self.copies: list[Path] = []
        self._folder = folder
        self._out = out
        self._seen: set[str] = set()
        self._busy = False

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watches file operations inside the context."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("replace", "fsync", "remove", "unlink", "rmdir", "truncate"):
                patch.setattr(os, name, self._watched(getattr(os, name)))
            real = builtins.open

            def watched_open(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
                if set(mode) & set("wax+") and str(path).startswith(str(self._folder)):
                    self.take()
                return real(path, mode, *rest, **more)

            patch.setattr(builtins, "open", watched_open)
            yield
        self.take()

    def _watched(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.take()
            return real(*arguments, **more)

        return call

    def take(self) -> None:
        """Copies the folder, unless a copy with this content exists."""
        if self._busy or not self._folder.exists():
            return
        self._busy = True
        state = hashlib.blake2b()
        for path in sorted(self._folder.rglob("*")):
            state.update(str(path.relative_to(self._folder)).encode())
            if path.is_file() and path.name not in _OF_A_START:
                state.update(path.read_bytes())
        if state.hexdigest() not in self._seen:
            self._seen.add(state.hexdigest())
            self.copies.append(shutil.copytree(self._folder, self._out / f"{len(self.copies):04d}"))
        self._busy = False


class Revival:
    """A run that was never interrupted, with copies from which it can be resumed.

    Args:
      found: task and configuration.
      folder: folder for the run, `whole`, and its copies.
    """

    def __init__(self, found: Example, folder: Path) -> None:
        self._found = found
        self.whole = folder / "whole"
        recorder = Recorder(self.whole, folder / "copies")
        with recorder.watching():
            run, config, self.task = prepare(found, self.whole)
            session = self._session(run, config)
            self._trainer: Trainer = session.trainer
            self._start = {name: variable.numpy() for name, variable in self._trainer.variables().items()}
            _run(session)
        self.copies = recorder.copies
        self.expected = told(self.whole)

    def _session(self, run: RunDir, config: Any) -> Session:
        return Session(run, config, self.task, lambda: False)

    def go_on(self, folder: Path) -> None:
        """Trains to the end in a folder, as a new process would."""
        run = RunDir(str(folder))
        config = run.create(self._found.config)
        if run.begun and run.has_ended(config):
            free(run, config.train.keep)
            return
        if not os.path.exists(run.prepared):
            prepare(self._found, folder)
        for name, variable in self._trainer.variables().items():
            variable.assign(self._start[name])
        session = self._session(run, config)
        session.trainer = self._trainer
        _run(session)


def _run(session: Session) -> None:
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        assert session.run().finished


def told(folder: Path) -> dict[str, Any]:
    """Returns everything that must be the same in two equal runs."""
    arrays, state = checkpoint.load_arrays(str(folder / "model.npz"))
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {
        "weights": {name: array.tobytes() for name, array in arrays.items()},
        "state": state,
        "metrics": [{name: value for name, value in line.items() if name not in _TIMES} for line in metrics],
        "files": sorted(name for name in files if not name.startswith("tensorboard") and name not in _OF_A_START),
        "events": shown(folder / "tensorboard"),
    }


def shown(folder: Path) -> list[tuple[str, int]]:
    """Returns tag and step of every event, as TensorBoard reads them."""
    found = []
    for path in sorted(folder.iterdir()):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            found += [(value.tag, event.step) for value in event.summary.value]
    return sorted(found)
