"""The run folder: everything about one training run, and all that translating, scoring and exporting need.

config.yaml                the resolved configuration
machine.json               processor, TensorFlow and its kernels when the run began: others round differently
source.model, target.model SentencePiece models of a translation run
symbols.model              tokenizer of another run: SentencePiece model or characters
labels.txt                 classes, one per line
examples.txt               some held-out sentences of a translation run, with which an export is tested
lexicon.npz                translations of each piece, for search.shortlist; learnt when training ends
data/                      training pairs as ids (only needed while training)
checksums.json             of data/ and of the texts it was made from
checkpoints/               latest states to resume from: step_00000500.npz
best/                      model weights of the best validations: step_00000400.npz
model.npz                  final weights; its presence means that the run is finished
metrics.jsonl              one JSON object per line
train.log                  what was printed, with the time
tensorboard/               the numbers of metrics.jsonl, and attention maps
lock, lock.json            held while a program writes here; names that program
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import AnyConfig, flatten, load, stored_run, task_of, to_yaml, wrong_run
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import PART, write_text
from seq2seq_tf.training.resuming import Begun, agree
from seq2seq_tf.training.run_lock import RunLock

_STEP = re.compile(r"^step_(\d{8})\.npz$")


class RunDir:
    """Paths and small files of a run."""

    def __init__(self, path: str) -> None:
        path = os.path.expanduser(path)
        self.path = path
        self.config_file = os.path.join(path, "config.yaml")
        self.source_model = os.path.join(path, "source.model")
        self.target_model = os.path.join(path, "target.model")
        self.tokenizer_file = os.path.join(path, "symbols.model")
        self.labels = os.path.join(path, "labels.txt")
        self.examples = os.path.join(path, "examples.txt")
        self.lexicon = os.path.join(path, "lexicon.npz")
        self.data = os.path.join(path, "data")
        self.prepared = os.path.join(self.data, "prepared.json")
        self.checksums = os.path.join(path, "checksums.json")
        self.checkpoints = os.path.join(path, "checkpoints")
        self.best = os.path.join(path, "best")
        self.final_model = os.path.join(path, "model.npz")
        self.metrics = os.path.join(path, "metrics.jsonl")
        self.log = os.path.join(path, "train.log")
        self.tensorboard = os.path.join(path, "tensorboard")
        self.lock = RunLock(path)  # every writer enters it

    def make(self) -> None:
        """Creates the folders; raises InputError if that fails."""
        try:
            for folder in (self.path, self.data, self.checkpoints, self.best):
                os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.path}: cannot create the run folder: {error.strerror}") from None

    def create(self, config: AnyConfig, say: Callable[[str], None] = lambda _: None) -> AnyConfig:
        """Creates the folder, resolves `auto` for this machine and stores the configuration.

        A folder whose first attempt failed on its data, before anything was prepared, accepts another configuration. A
        run that has begun accepts changes that affect none of its numbers, and a later end; see `resuming`.

        Args:
          config: of the run.
          say: gets a line for each option that changes.

        Returns:
          the configuration of the run, without `auto`.

        Raises:
          InputError: the folder belongs to a run with another configuration (the first such option is named), or
            cannot be created, or another program is writing to it.
        """
        if not self.finished:
            self.make()
        if not self.begun:
            with self.lock:
                return self._create(config)
        agreed = self.agreed(config, say)
        if agreed != self.load_config(type(config)):  # else nothing is written: a finished run may be read-only
            self.make()
            with self.lock:
                self.store(agreed)
        return agreed

    def agreed(self, config: AnyConfig, say: Callable[[str], None] = lambda _: None) -> AnyConfig:
        """Returns the configuration with which a run that has begun is resumed; writes nothing. See `create`."""
        stored = self.load_config(type(config))
        new = flatten(load(self.config_file, kind=type(config)).config)  # what its file would mean for a new run
        older = {name: new[name] for name, value in flatten(stored).items() if value != new[name]}
        return agree(stored, config, self._state()._replace(left_open=older), say)

    def _create(self, config: AnyConfig) -> AnyConfig:
        from seq2seq_tf.training.hardware import for_this_machine  # here, since it imports TensorFlow

        config = for_this_machine(config)
        if not os.path.exists(self.config_file) or self.load_config(type(config)) != config:
            for path in (self.source_model, self.target_model, self.tokenizer_file):
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)
            self.store(config)
        return config

    def _state(self) -> Begun:
        last = self.finished and self._steps(self.checkpoints)[-1:] == [self._final_update()]
        sealed = os.path.exists(self.checksums)
        return Begun(self.config_file, self.finished, last, sealed, trained=self.has_weights)

    def _final_update(self) -> int:
        from seq2seq_tf.training.checkpoint import load_state

        return int(load_state(self.final_model).get("update", -1))

    def has_ended(self, config: TaskConfig) -> bool:
        """Returns whether the run is finished and no update is left to do.

        A finished run that was given a later end has updates left; its final weights stay until new ones replace them.

        Raises:
          InputError: the newest checkpoint or the final weights are damaged.
        """
        latest = self.latest_checkpoint()
        if not self.finished or latest is None:
            return self.finished
        from seq2seq_tf.training.checkpoint import load_state

        state, train, final = load_state(latest), config.train, self._final_update()
        position = state["position"]
        if position["update"] != final:
            return bool(position["update"] < final)
        batch = position["batch"]  # without epoch_batches (older versions): the whole epoch, or patience ended the run
        epochs = position["epoch"] + (0 < batch == state.get("epoch_batches", batch))
        out_of_updates = 0 < train.max_updates <= final or epochs >= train.max_epochs
        return bool(out_of_updates or 0 < train.patience <= state["standing"]["since_best"])

    @property
    def begun(self) -> bool:
        """Whether something was made with the configuration, which therefore cannot be replaced."""
        return self.has_weights or os.path.exists(self.prepared)

    @property
    def has_weights(self) -> bool:
        """Whether anything has been trained."""
        return self.finished or bool(self.latest_checkpoint() or self._steps(self.best))

    def store(self, config: TaskConfig) -> None:
        """Writes the configuration of the run."""
        write_text(self.config_file, to_yaml(config))

    @property
    def task(self) -> str:
        """The task of the run, as named in its configuration."""
        self._require_config()
        return task_of(self.config_file)

    def load_config(self, kind: type[AnyConfig]) -> AnyConfig:
        """Reads the configuration of the run; raises InputError if that is for another task."""
        if self.task != kind.task:
            raise wrong_run(self.path, self.task)
        return stored_run(self.config_file, kind)

    def _require_config(self) -> None:
        if not os.path.exists(self.config_file):
            raise InputError(f"{self.path}: not a run folder (it has no config.yaml)")

    @property
    def finished(self) -> bool:
        """Whether training has ended and the final weights are there."""
        return os.path.exists(self.final_model)

    def checkpoint_file(self, update: int) -> str:
        """Returns the path of the checkpoint of an update."""
        return os.path.join(self.checkpoints, f"step_{update:08d}.npz")

    def best_file(self, update: int) -> str:
        """Returns the path of the weights of a good validation."""
        return os.path.join(self.best, f"step_{update:08d}.npz")

    def latest_checkpoint(self) -> str | None:
        """Returns the path of the newest checkpoint, or None."""
        steps = self._steps(self.checkpoints)
        return self.checkpoint_file(steps[-1]) if steps else None

    def checkpoint_updates(self) -> list[int]:
        """Returns the updates of the checkpoints, in ascending order."""
        return self._steps(self.checkpoints)

    def rotate(self, keep: int) -> None:
        """Deletes all but the newest `keep` checkpoints, and files that a crash left half-written."""
        for update in self._steps(self.checkpoints)[:-keep]:
            os.remove(self.checkpoint_file(update))
        for name in os.listdir(self.checkpoints):
            if name.endswith(PART):
                os.remove(os.path.join(self.checkpoints, name))

    def keep_best(self, updates: list[int]) -> None:
        """Deletes all weights in best/ except those of the given updates."""
        for update in self._steps(self.best):
            if update not in updates:
                os.remove(self.best_file(update))

    @staticmethod
    def _steps(folder: str) -> list[int]:
        if not os.path.isdir(folder):
            return []
        return sorted(int(m.group(1)) for m in map(_STEP.match, os.listdir(folder)) if m)

    def weights_file(self, say: Callable[[str], None] = lambda _: None) -> str:
        """Returns the path of the weights to use: the final ones, else the best so far, else the latest checkpoint.

        Args:
          say: gets the path of each file in best/ that is skipped because it cannot be read.

        Raises:
          InputError: there are no weights yet.
        """
        if self.finished:
            return self.final_model
        latest = self.latest_checkpoint()
        best = self._steps(self.best)
        if best:
            from seq2seq_tf.training.checkpoint import load_arrays

            ranked = []
            for path in map(self.best_file, best):
                try:
                    state = load_arrays(path)[1]
                except InputError:
                    say(path)
                else:
                    ranked.append((state["score"], -state.get("loss", 0.0), path))  # equal scores: the loss decides
            if ranked:
                return max(ranked, key=lambda entry: entry[:2])[-1]
        if latest:
            return latest
        raise InputError(f"{self.path}: no weights yet; training has not reached its first checkpoint")
