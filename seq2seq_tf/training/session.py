"""A training run from start, or from where it was interrupted, to its final weights.

Interrupted equals uninterrupted: everything an update depends on is either in the checkpoint (weights, optimiser,
`Position`, `Standing`) or a pure function of the configuration and the position (batches, dropout masks, learning
rate).
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from seq2seq_tf.config import Config
from seq2seq_tf.data.batching import Plan, plan_epoch
from seq2seq_tf.data.corpus import iter_batches
from seq2seq_tf.errors import TrainingError
from seq2seq_tf.structures import Batch
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.monitor import Monitor
from seq2seq_tf.training.preparation import Setup
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.schedules import learning_rate
from seq2seq_tf.training.trainer import Trainer, UpdateResult
from seq2seq_tf.training.validation import Standing, Validation, validate
from seq2seq_tf.translator import Translator, model_variables


class Position(NamedTuple):
    """Where training stands."""

    update: int = 0  # updates done
    epoch: int = 0
    batch: int = 0  # batches of this epoch done
    batches: int = 0  # batches done in all


class Outcome(NamedTuple):
    """How a call of `Session.run` ended."""

    finished: bool  # False: stopped on request, can go on
    update: int
    best_score: float


class Session:
    """One run folder being trained.

    Args:
      run: the folder, created.
      config: of the run.
      setup: pieces, corpora and model.
      stop_requested: asked after each update; True ends the session with a checkpoint.
    """

    def __init__(self, run: RunDir, config: Config, setup: Setup, stop_requested: Callable[[], bool]) -> None:
        self.run_dir = run
        self.config = config
        self.setup = setup
        self.stop_requested = stop_requested
        spec = Batch(*(tf.TensorSpec([None, None], tf.int32),) * 3)
        self.trainer = Trainer(setup.model, config.train, spec)
        self.translator = Translator(setup.model, setup.source, setup.target, config)
        self.position = Position()
        self.standing = Standing()
        self.updates_planned = -(-len(self._plan(0).batches) // config.train.accumulate) * config.train.max_epochs

    def run(self) -> Outcome:
        """Trains to the end or until asked to stop.

        Raises:
          TrainingError: the loss is not a number (update and pairs named; the last checkpoint stays).
          InputError: a checkpoint is damaged or does not fit, or cannot be written.
        """
        self._resume()
        self._bar = tqdm(
            total=self.updates_planned,
            initial=self.position.update,
            unit="update",
            dynamic_ncols=True,
            mininterval=0.5 if sys.stderr.isatty() else 30.0,
            smoothing=0.05,
        )
        with self._bar, Monitor(self.run_dir, self.config, self._bar) as self._monitor:
            stopped = self._train()
            if not stopped:
                self._finish()
        best = self.standing.best[0][0] if self.standing.best else float("nan")
        return Outcome(not stopped, self.position.update, best)

    def _resume(self) -> None:
        latest = self.run_dir.latest_checkpoint()
        if latest is None:
            self.run_dir.drop_metrics_after(0)  # of a run that was killed before its first checkpoint
            return
        state = checkpoint.restore(latest, self.trainer.variables())
        self.position = Position(**state["position"])
        standing = state["standing"]
        self.standing = Standing(**{**standing, "best": tuple((s, u) for s, u in standing["best"])})
        self.run_dir.drop_metrics_after(self.position.update)

    def _plan(self, epoch: int) -> Plan:
        corpora, train = self.setup.train, self.config.train
        corpus = corpora[epoch % len(corpora)]
        return plan_epoch(
            corpus.source.lengths() + 1,
            corpus.target.lengths() + 1,
            batch_tokens=train.batch_tokens,
            pool_pairs=train.pool_pairs,
            seed=train.seed,
            epoch=epoch,
        )

    def _train(self) -> bool:
        """Runs epoch after epoch; returns True if asked to stop."""
        train = self.config.train
        while self.position.epoch < train.max_epochs and not self._out_of_patience():
            plan = self._plan(self.position.epoch)
            for group, chosen in self._groups(plan):
                self._update(group, chosen, plan)
                if train.validate_every and self.position.update % train.validate_every == 0:
                    self._validate()
                elif self.position.update % train.checkpoint_every == 0:
                    self._save()
                if self._out_of_patience():
                    return False
                if self.stop_requested():
                    self._save()
                    return True
            self.position = self.position._replace(epoch=self.position.epoch + 1, batch=0)
            if not train.validate_every:
                self._validate()
        update = self.position.update
        if train.validate_every and update % train.validate_every and update not in self.standing.updates:
            self._validate()  # the updates after the last validation count too
        return False

    def _out_of_patience(self) -> bool:
        patience = self.config.train.patience
        return 0 < patience <= self.standing.since_best

    def _groups(self, plan: Plan) -> Iterator[tuple[list[Batch], list[np.ndarray]]]:
        """Yields the batches of each update that is still to do in this epoch."""
        corpus = self.setup.train[self.position.epoch % len(self.setup.train)]
        rest = plan.batches[self.position.batch :]
        batches = iter_batches(corpus, rest)
        size = self.config.train.accumulate
        for start in range(0, len(rest), size):
            yield list(itertools.islice(batches, size)), rest[start : start + size]

    def _update(self, group: list[Batch], chosen: list[np.ndarray], plan: Plan) -> None:
        position = self.position
        rate = learning_rate(self.config.train, position.update + 1, self.updates_planned, self.standing.plateau_scale)
        begin = time.perf_counter()
        result, _ = self.trainer.update(group, (), position.batches, rate)
        if not result.finite:
            raise self._not_finite(result, chosen)
        self.position = Position(
            position.update + 1, position.epoch, position.batch + len(group), position.batches + len(group)
        )
        self._monitor.update(
            self.position.update, position.epoch, result, rate, plan.padding, time.perf_counter() - begin
        )

    def _not_finite(self, result: UpdateResult, chosen: list[np.ndarray]) -> TrainingError:
        pairs = ", ".join(str(int(n) + 1) for n in np.concatenate(chosen)[:5])
        kept = self.run_dir.latest_checkpoint() or "none yet"
        return TrainingError(
            f"update {self.position.update + 1} (epoch {self.position.epoch + 1}, batch {self.position.batch + 1}, "
            f"training pairs {pairs}, ...): loss {result.total:g} or gradient norm {result.norm:g} is not a number; "
            f"nothing was applied, the last good checkpoint is {kept}; try a smaller train.learning_rate or "
            "train.clip_norm"
        )

    def _state(self) -> dict[str, Any]:
        return {"position": self.position._asdict(), "standing": self.standing._asdict()}

    def _save(self) -> None:
        path = self.run_dir.checkpoint_file(self.position.update)
        checkpoint.save(path, self.trainer.variables(), self._state())
        self.run_dir.rotate(self.config.train.keep_checkpoints)

    def _validate(self) -> None:
        """Validates; the weights are kept before the checkpoint that mentions them, the old ones go after it."""
        validation = validate(self.translator, self.setup.valid_texts, self.config)
        score = validation.score(self.config.train.metric)
        update = self.position.update
        self.standing = self.standing.after(score, update, self.config.train)
        if update in self.standing.updates:
            weights = model_variables(self.setup.model)
            checkpoint.save(self.run_dir.best_file(update), weights, {"update": update, "score": score})
        # Its lines come first: a run killed before the checkpoint repeats the validation and drops them.
        self._monitor.validation(update, validation, self.standing, self.translator, self.setup.valid_texts)
        self._save()
        self.run_dir.keep_best(self.standing.updates)

    def _finish(self) -> None:
        """Writes the final weights: the average of the best checkpoints, or the best alone if that scores higher."""
        variables = model_variables(self.setup.model)
        files = [self.run_dir.best_file(update) for update in self.standing.updates]
        loaded = [checkpoint.load_arrays(path)[0] for path in files]
        choices: list[tuple[str, dict[str, Any]]] = [("best checkpoint", loaded[0])]
        if len(loaded) > 1:
            mean = {name: np.mean([arrays[name] for arrays in loaded], axis=0, dtype=np.float32) for name in loaded[0]}
            choices.append((f"average of the {len(loaded)} best", mean))
        scored: list[tuple[float, str, dict[str, np.ndarray], Validation]] = []
        for label, arrays in choices:
            checkpoint.assign(label, arrays, variables)
            validation = validate(self.translator, self.setup.valid_texts, self.config)
            scored.append((validation.score(self.config.train.metric), label, arrays, validation))
        score, label, arrays, validation = max(scored, key=lambda entry: entry[0])
        checkpoint.assign(label, arrays, variables)
        state = {"update": self.position.update, "score": score, "weights": label}
        checkpoint.save_arrays(self.run_dir.final_model, arrays, state)
        self._monitor.final(self.position.update, label, validation)
