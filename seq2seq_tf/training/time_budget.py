"""How long training will take on this machine, measured before it begins, and how many updates fit into a given time.

The end of a cosine schedule must be known before the first update. So the choice is made once, from the speed of a few
updates and of one validation, and stored; after that the clock decides nothing.
"""

from __future__ import annotations

import bisect
import itertools
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from seq2seq_tf.config.common import TrainConfig
from seq2seq_tf.config.loading import AnyConfig, with_values
from seq2seq_tf.errors import InputError
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.schedules import learning_rate
from seq2seq_tf.training.task import HasSearch, Task
from seq2seq_tf.training.trainer import Trainer

_UNTIMED = 2  # first updates, which trace functions and touch memory for the first time
_MIN_TIMED = 3  # timed updates
_MAX_TIMING, _SHARE = 10.0, 0.02  # seconds of timed updates, and their share of train.max_minutes; the smaller decides
_AGAIN = 15.0  # seconds; a longer validation is timed only once
_SEARCH = 2.0  # time of a beam search at the end, in units of a validation at the start
_RESERVE = 0.03  # share of the time kept for checkpoints, and for a machine that slows down


class Speed(NamedTuple):
    """Seconds that the parts of a training run take."""

    update: float
    validation: float  # at the start, an upper bound: translations are long while the model cannot end them yet
    end: float  # the choice of the final weights, and the scores with the run's own search


def measure(task: Task, trainer: Trainer, seconds: float) -> Speed:
    """Times updates, for about `seconds`, and a validation; restores all variables afterwards.

    Args:
      task: its first planned batches are used, repeatedly if there are too few.
      trainer: of the run.
      seconds: to spend on timed updates.
    """
    before = {name: variable.numpy() for name, variable in trainer.variables().items()}
    taken: list[float] = []
    carry, batches = task.first_carry(), _batches(task)
    for number in itertools.count():
        group = list(itertools.islice(batches, trainer.config.accumulate))
        begin = time.perf_counter()
        _, carry = trainer.update(group, carry, number, learning_rate(trainer.config, 1, 1, 1.0))
        if number >= _UNTIMED:
            taken.append(time.perf_counter() - begin)
        if len(taken) >= _MIN_TIMED and sum(taken) >= seconds:
            break
    validation = _seconds_of_validation(task)
    if validation < _AGAIN:
        validation = _seconds_of_validation(task)  # the first time included tracing
    for name, variable in trainer.variables().items():
        variable.assign(before[name])
    at_end = (2.0 if trainer.config.average_best > 1 else 1.0) + (_SEARCH if isinstance(task, HasSearch) else 0.0)
    return Speed(float(np.mean(taken)), validation, at_end * validation)


def _seconds_of_validation(task: Task) -> float:
    begin = time.perf_counter()
    task.validate()
    task.pictures()
    return time.perf_counter() - begin


def _batches(task: Task) -> Iterator[Any]:
    plan = task.plan(0)
    return itertools.chain.from_iterable(task.load(0, plan.batches) for _ in itertools.count())


def updates_per_epoch(task: Task, train: TrainConfig) -> int:
    """Returns the number of updates in the first epoch; that of others differs a little."""
    return -(-len(task.plan(0).batches) // train.accumulate)


def updates_planned(task: Task, train: TrainConfig) -> int:
    """Returns the number of updates in a run, assuming that each epoch has as many as the first."""
    epochs = updates_per_epoch(task, train) * train.max_epochs
    return min(epochs, train.max_updates) if train.max_updates else epochs


def seconds_of(updates: int, train: TrainConfig, per_epoch: int, speed: Speed) -> float:
    """Returns the seconds that `updates` take with their validations and the choice of the final weights."""
    every = train.validate_every or per_epoch
    validations = -(-updates // every) + bool(train.init_from)
    return (updates * speed.update + validations * speed.validation + speed.end) / (1.0 - _RESERVE)


def max_updates_within(planned: int, train: TrainConfig, per_epoch: int, speed: Speed, seconds: float) -> int:
    """Returns how many of the planned updates fit into `seconds`; less than 1 if none does."""
    return bisect.bisect_right(range(planned + 1), seconds, key=lambda n: seconds_of(n, train, per_epoch, speed)) - 1


def estimate(task: Task, trainer: Trainer) -> str:
    """Returns a line to print: how long training would take here, and how many updates fit into train.max_minutes."""
    train, planned = trainer.config, updates_planned(task, trainer.config)
    speed = measure(task, trainer, 0.3 * _MAX_TIMING)
    per_epoch = updates_per_epoch(task, train)
    whole = seconds_of(planned, train, per_epoch, speed) / 60.0
    line = (
        f"{planned:,} updates ({per_epoch:,} an epoch) of {speed.update:.2g} s, validations of at most "
        f"{speed.validation:.2g} s: about {whole:.1f} minutes"
    )
    if not train.max_minutes or whole <= train.max_minutes:
        return line
    fit = max_updates_within(planned, train, per_epoch, speed, 60.0 * train.max_minutes)
    return f"{line}; about {fit:,} updates would fit into train.max_minutes={train.max_minutes:g}"


class Choice(NamedTuple):
    """How many updates to make, and why."""

    updates: int
    planned: int  # without train.max_minutes
    reason: str  # a line to print


def choose(task: Task, trainer: Trainer, spent: float) -> Choice:
    """Measures the speed and returns how many of the planned updates fit into train.max_minutes.

    Args:
      task, trainer: of the run; left unchanged.
      spent: seconds of train.max_minutes already used.

    Raises:
      InputError: not even one update fits.
    """
    train, begin = trainer.config, time.perf_counter()
    planned, per_epoch = updates_planned(task, train), updates_per_epoch(task, train)
    speed = measure(task, trainer, min(_MAX_TIMING, _SHARE * 60.0 * train.max_minutes))
    spent += time.perf_counter() - begin
    updates = max_updates_within(planned, train, per_epoch, speed, 60.0 * train.max_minutes - spent)
    measured = f"an update takes {speed.update:.2g} s here, a validation at most {speed.validation:.2g} s"
    if updates < 1:
        raise InputError(
            f"train.max_minutes={train.max_minutes:g}: {measured}, and {spent:.0f} s have passed before the first "
            "update, so none fits; allow more minutes, or use less held-out text"
        )
    if updates == planned:
        minutes = (spent + seconds_of(planned, train, per_epoch, speed)) / 60.0
        all_of = f"all {planned:,} updates take about {minutes:.1f} minutes and fit into train.max_minutes"
        return Choice(planned, planned, f"{measured}: {all_of}={train.max_minutes:g}")
    some_of = f"{updates:,} of {planned:,} updates fit into train.max_minutes={train.max_minutes:g}"
    return Choice(
        updates, planned, f"{measured}: {some_of}; stored as train.max_updates ({updates / per_epoch:.2f} epochs)"
    )


def store_choice(run: RunDir, config: AnyConfig, choice: Choice) -> AnyConfig:
    """Stores a choice in the configuration of a run, unless all planned updates fit; returns `config` with it."""
    if choice.updates == choice.planned:
        return config
    chosen = {"train.max_updates": choice.updates}
    with run.lock:
        run.store(with_values(run.load_config(type(config)), chosen))  # the task may have set something there too
    return with_values(config, chosen)
