"""A training run from its start, or from where it was interrupted, to its final weights.

An interrupted run equals an uninterrupted one: everything an update depends on is either in the checkpoint (weights,
optimiser, `Position`, `ValidationHistory`, the carry of the last batch) or a pure function of the configuration and the
position (batches, dropout masks, learning rate).
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.errors import TrainingError
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.cleanup import free
from seq2seq_tf.training.final_weights import best_of, choices
from seq2seq_tf.training.history import History, Reach
from seq2seq_tf.training.monitor import Monitor
from seq2seq_tf.training.position import Position
from seq2seq_tf.training.progress import Progress, RunLog
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.schedules import learning_rate
from seq2seq_tf.training.task import EpochPlan, HasGradientCurves, HasSearch, LeavesMore, Task
from seq2seq_tf.training.time_budget import choose, store_choice, updates_planned
from seq2seq_tf.training.tokenizers import TOKENIZERS, check_tokenizers, tokenizer_hashes
from seq2seq_tf.training.trainer import Trainer, UpdateResult
from seq2seq_tf.training.validation import ValidationHistory, score_of
from seq2seq_tf.training.weights import load_weights, model_variables

_CARRY = "carry/"  # prefix of arrays in a checkpoint


class Outcome(NamedTuple):
    """How a call to `Session.run` ended."""

    finished: bool  # False: stopped on request, can be resumed
    update: int
    best_score: float


class Session:
    """Trains the model of one run folder.

    Args:
      run: the folder; must have been created.
      config: of the run.
      task: data and model.
      stop_requested: called after each update; True ends the session with a checkpoint.
    """

    def __init__(self, run: RunDir, config: TaskConfig, task: Task, stop_requested: Callable[[], bool]) -> None:
        self.run_dir = run
        self.config = config
        self.task = task
        self.stop_requested = stop_requested
        self.trainer = Trainer(task.model, config.train, task.batch_spec, task.carry_spec)
        self.position = Position()
        self.validations = ValidationHistory()
        self._tokenizers = {TOKENIZERS: tokenizer_hashes(run, config.tokenizer_files)}  # stored with all weights
        self.carry = task.first_carry()
        self.ended: ValidationHistory | None = None  # with a validation made only because training ended there
        self._time_is_settled = False
        self._epoch_batches = 0  # of the epoch started last
        self.updates_planned = updates_planned(task, config.train)
        self._history = History(run.metrics, run.tensorboard)
        self._log = RunLog(run.log)

    def fit_into_time(self, spent: float = 0.0) -> None:
        """Chooses, when a run begins, how many updates fit into train.max_minutes, and stores that in its folder.

        Args:
          spent: seconds of that time already used.

        Raises:
          InputError: not even one update fits.
        """
        self._time_is_settled = True
        if self.config.train.max_minutes and not self.run_dir.latest_checkpoint():
            choice = choose(self.task, self.trainer, spent)
            self._log(choice.reason)
            self.config = store_choice(self.run_dir, self.config, choice)
            self.updates_planned = choice.updates

    def run(self) -> Outcome:
        """Trains to the end or until asked to stop.

        Raises:
          TrainingError: a loss, gradient norm or validation score is not a number; the update is named, the last
            checkpoint stays.
          InputError: a checkpoint is damaged, does not fit or cannot be written, another program is writing to the run
            folder, or not even one update fits into train.max_minutes.
        """
        with self.run_dir.lock:
            if not self._time_is_settled:
                self.fit_into_time()
            return self._run()

    def _run(self) -> Outcome:
        self._resume()
        if self.ended and self._updates_left():
            self._take_back_end()  # before the monitor opens the files that this cuts
        self._progress = Progress(self._log, done=self.position.update, total=self.updates_planned)
        stopped = True
        try:
            with Monitor(self._history, self.run_dir.tensorboard, self.config, self._progress) as self._monitor:
                stopped = self._train()
                if not stopped:
                    self._finish()
        finally:
            self._progress.close(finished=not stopped)
        best = self._latest.best[0][0] if self._latest.best else float("nan")
        return Outcome(not stopped, self.position.update, best)

    def _resume(self) -> None:
        latest = self.run_dir.latest_checkpoint()
        if latest is None:
            self._history.cut(Reach(), self._log)  # of a run that was killed before its first checkpoint
            if self.config.train.init_from:
                load_weights(RunDir(self.config.train.init_from), self.task.model)
            return
        arrays, state = checkpoint.load_arrays(latest)
        check_tokenizers(latest, state, self.run_dir)
        carried = {name: arrays.pop(name) for name in sorted(arrays) if name.startswith(_CARRY)}
        checkpoint.assign(latest, arrays, self.trainer.variables())
        if carried:
            self.carry = tf.nest.pack_sequence_as(self.task.carry_spec, list(carried.values()))
        self.position = Position(**state["position"])
        self.validations = ValidationHistory.of(state["standing"])
        self.ended = ValidationHistory.of(state["ended"]) if state.get("ended") else None
        if "last" not in state["standing"]:  # from a version that did not store this
            self.validations = self.validations._replace(last=self._history.last_validation(self.position.update))
        self._history.cut(Reach(self.position.update, self._latest.last), self._log)

    @property
    def _latest(self) -> ValidationHistory:
        """The validations, including the one at the end if there was one."""
        return self.ended or self.validations

    def _train(self) -> bool:
        """Trains epoch after epoch; returns True if asked to stop."""
        train = self.config.train
        self._keep_beginning()
        while self._updates_left():
            plan = self.task.plan(self.position.epoch)
            self._epoch_batches = len(plan.batches)
            self._progress.expect(self.position.expected(len(plan.batches), train))
            for group, planned in self._groups(plan):
                self._update(group, planned, plan)
                if train.validate_every and self.position.update % train.validate_every == 0:
                    self._validate()
                elif self.position.update % train.checkpoint_every == 0:
                    self._save()
                if self._out_of_patience():
                    return False
                if self.stop_requested():
                    self._save()
                    return True
                if self.position.update == train.max_updates:
                    break
            if self.position.batch < self._epoch_batches:
                break  # train.max_updates ends training within an epoch
            self.position = self.position.next_epoch()
            self.carry = self.task.first_carry()
            if not train.validate_every:
                self._validate()
        self._validate_end()
        return False

    def _keep_beginning(self) -> None:
        """Writes a checkpoint of update 0 if a run killed before its first one would not start the same way again."""
        if self.config.train.init_from and not self.validations.best:
            self._validate()  # the base's weights are best until others are better; the base is not needed again
        elif self.config.train.max_minutes and not self.position.update:
            self._save()  # with a checkpoint the number of updates is not chosen again

    def _updates_left(self) -> bool:
        train, position = self.config.train, self.position
        within = not train.max_updates or position.update < train.max_updates
        return within and position.epoch < train.max_epochs and not self._out_of_patience()

    def _out_of_patience(self) -> bool:
        patience = self.config.train.patience
        return 0 < patience <= self.validations.since_best

    def _take_back_end(self) -> None:
        """Discards an earlier end of this run: had its present, later end been set at first, it would not exist."""
        self.ended = None
        self._history.cut(Reach(self.position.update, self.validations.last), self._log)

    def _validate_end(self) -> None:
        """Validates if there have been updates since the last validation."""
        if self._latest.last != self.position.update:
            self._validate(at_end=True)

    def _groups(self, plan: EpochPlan) -> Iterator[tuple[list[Any], Sequence[Any]]]:
        """Yields the batches of each remaining update in this epoch, as loaded and as planned."""
        rest = plan.batches[self.position.batch :]
        batches = self.task.load(self.position.epoch, rest)
        size = self.config.train.accumulate
        for start in range(0, len(rest), size):
            yield list(itertools.islice(batches, size)), rest[start : start + size]

    def _update(self, group: list[Any], planned: Sequence[Any], plan: EpochPlan) -> None:
        position = self.position
        rate = learning_rate(
            self.config.train, position.update + 1, self.updates_planned, self.validations.plateau_scale
        )
        begin = time.perf_counter()
        result, carry = self.trainer.update(group, self.carry, position.batches, rate)
        self.carry = carry
        if not (result.finite or result.overflow):
            raise self._not_finite(result, planned)
        self.position = position.after_update(len(group))
        self._monitor.update(
            self.position.update, position.epoch, result, rate, plan.padding, time.perf_counter() - begin
        )

        every = self.config.train.gradient_curves
        if every and self.position.update % every == 0 and isinstance(self.task, HasGradientCurves):
            self._monitor.gradient_curves(self.position.update, self.task.gradient_curves())

    def _not_finite(self, result: UpdateResult, planned: Sequence[Any]) -> TrainingError:
        return self._diverged(
            self.position.update + 1,
            f" (epoch {self.position.epoch + 1}, batch {self.position.batch + 1}, {self.task.describe(planned)}): loss "
            f"{result.total:g} or gradient norm {result.norm:g} is not a number; the update was not applied",
        )

    def _diverged(self, update: int, what: str) -> TrainingError:
        kept = self.run_dir.latest_checkpoint() or "none yet"
        return TrainingError(
            f"update {update}{what}; last good checkpoint: {kept}; try a smaller train.learning_rate or train.clip_norm"
        )

    def _state(self) -> dict[str, Any]:
        return {
            "position": self.position._asdict(),
            "epoch_batches": self._epoch_batches,
            "planned": self.updates_planned,
            "standing": self.validations._asdict(),  # the key of older versions
            "ended": self.ended._asdict() if self.ended else None,
            **self._tokenizers,
        }

    def _save(self) -> None:
        self._monitor.flush()
        path = self.run_dir.checkpoint_file(self.position.update)
        arrays = {name: variable.numpy() for name, variable in self.trainer.variables().items()}
        carried = {f"{_CARRY}{n:04d}": np.asarray(x) for n, x in enumerate(tf.nest.flatten(self.carry))}
        checkpoint.save_arrays(path, {**arrays, **carried}, self._state())
        self.run_dir.rotate(self.config.train.keep_checkpoints)

    def _validate(self, *, at_end: bool = False) -> None:
        """Validates; writes the weights before the checkpoint that refers to them, and deletes old ones after it.

        Args:
          at_end: this validation is made only because training ends; a run with a later end would not have it.
        """
        scores = self.task.validate()
        score = score_of(scores, self.config.train.metric)
        update = self.position.update
        for name, value in ((self.config.train.metric, score), ("loss", scores["loss"])):
            if not math.isfinite(value):
                raise self._diverged(update, f": validation {name} {value:g} is not a number")
        validations = self.validations.after(score, update, self.config.train, loss=scores["loss"])
        if update in validations.updates:
            weights = model_variables(self.task.model)
            state: dict[str, Any] = {"update": update, "planned": self.updates_planned, **self._tokenizers}
            state |= {"score": score, "loss": scores["loss"]}
            checkpoint.save(self.run_dir.best_file(update), weights, state)
        if at_end:
            self.ended = validations
        else:
            self.validations = validations
        # The records come first: a run killed before the checkpoint drops them and repeats the validation.
        self._monitor.validation(update, scores, validations, self.task.pictures())
        self._save()
        self.run_dir.keep_best([*self.validations.updates, *validations.updates])

    def _finish(self) -> None:
        """Writes the final weights: the average of the best checkpoints, or the single best if it scores higher."""
        variables = model_variables(self.task.model)
        self.run_dir.rotate(self.config.train.keep_checkpoints)
        self.run_dir.keep_best([*self.validations.updates, *self._latest.updates])
        files = [self.run_dir.best_file(update) for update in self._latest.updates]
        found = choices(files, variables, self.run_dir, self._log)
        (label, arrays), scores = best_of(found, variables, self.task.validate, self.config.train.metric)
        searched = self.task.search_scores() if isinstance(self.task, HasSearch) else {}
        if isinstance(self.task, LeavesMore):
            self.task.complete(self.run_dir, self._log)
        # Recorded before the file whose presence means that the run is finished: a run killed in between drops this
        # record and writes it again.
        self._monitor.final(self.position.update, label, {**scores, **searched})
        score = score_of(scores, self.config.train.metric)
        state = {"update": self.position.update, "score": score, "weights": label, **self._tokenizers}
        checkpoint.save_arrays(self.run_dir.final_model, arrays, state)
        if freed := free(self.run_dir, self.config.train.keep):
            self._log(freed)
