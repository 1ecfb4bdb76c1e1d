"""Code shared by the training programs: one flag per option; starting, stopping and resuming a run."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from absl import flags

from seq2seq_tf import machine
from seq2seq_tf.cli import program
from seq2seq_tf.cli.flag_types import define_option, define_path
from seq2seq_tf.config.common import PATH, TaskConfig, TrainConfig
from seq2seq_tf.config.loading import AnyConfig, Given, Resolved, describe, flatten, leaves, load, read
from seq2seq_tf.errors import InputError, TrainingError

if TYPE_CHECKING:
    from seq2seq_tf.training.progress import RunLog
    from seq2seq_tf.training.run_dir import RunDir

FLAGS = flags.FLAGS
_BEGIN = time.perf_counter()  # start of the program


def define_flags(kind: type[TaskConfig]) -> None:
    """Defines --config, --model_dir, --dry_run and one flag per option; flags that are not given change nothing."""
    define_path("config", None, "YAML file with the options of the run; `seq2seq-config list` names examples")
    define_path("model_dir", None, "run folder: created if missing, resumed if unfinished")
    flags.DEFINE_bool(
        "dry_run",
        False,
        "print the configuration, sizes and estimated minutes without training; --model_dir is optional",
    )
    for leaf in leaves(kind):
        default = str(leaf.default).lower() if leaf.type is bool else str(leaf.default)
        define_option(leaf.name, leaf, default or "none")


def _resolve(kind: type[AnyConfig], run: RunDir) -> Resolved[AnyConfig]:
    """Returns the configuration: flags override --config, which overrides the run folder, which overrides defaults."""
    overrides: dict[str, Any] = {leaf.name: FLAGS[leaf.name].value for leaf in leaves(kind) if FLAGS[leaf.name].present}
    below = None
    if os.path.exists(run.config_file):
        if run.begun or not FLAGS.config:  # a failed attempt is not binding: the file then counts as in a new folder
            stored = flatten(run.load_config(kind))
            below = Given(stored, dict.fromkeys(stored, run.config_file))
    elif not FLAGS.config and not overrides and (paths := [leaf.name for leaf in leaves(kind) if leaf.allowed is PATH]):
        raise InputError(
            f"{run.path}: no run to resume (it has no config.yaml); start one with --config=FILE or with "
            f"flags: --{paths[0]}=..."
        )
    from seq2seq_tf.training.init_from import check_base, values_of_base

    base = read(FLAGS.config, overrides, kind).values.get("train.init_from")
    if base and not run.begun:
        below = values_of_base(kind, base)
    resolved = load(FLAGS.config, overrides, kind, below)
    if resolved.config.train.init_from and not run.begun:
        check_base(run, resolved.config)
    return resolved


def train(kind: type[AnyConfig], prepare: Callable[..., Any]) -> int:
    """Trains until done or stopped; returns the exit code.

    Args:
      kind: configuration class of the task.
      prepare: (run, config, say) -> Task; imports TensorFlow, which is slow, only when called, so that mistakes in
        flags are reported before that.

    Raises:
      InputError: flags, configuration or data are wrong, --model_dir is missing, or another program writes into it.
      TrainingError: training cannot continue.
    """
    if not FLAGS.model_dir and not FLAGS.dry_run:
        raise InputError("--model_dir must name the run folder")
    from seq2seq_tf.training.progress import RunLog
    from seq2seq_tf.training.run_dir import RunDir

    stop = _StopOnSignal()
    run = RunDir(FLAGS.model_dir or "a new run")
    resolved = _resolve(kind, run)
    if FLAGS.dry_run:
        return _dry_run(run, resolved, prepare)
    if run.begun and run.has_ended(run.agreed(resolved.config, print)):
        from seq2seq_tf.training.cleanup import free

        freed = free(run, run.create(resolved.config).train.keep)
        print(f"this run is finished: {run.final_model} contains its weights; {freed or 'nothing to do'}")
        return 0
    run.make()
    with run.lock:  # before TensorFlow is imported, so that a second program is refused immediately
        log = RunLog(run.log)
        try:
            return _train(run, resolved, prepare, stop, log)
        except (InputError, TrainingError) as error:
            log.note(f"error: {error}")
            raise


def _dry_run(run: RunDir, resolved: Resolved[AnyConfig], prepare: Callable[..., Any]) -> int:
    """Prepares the run in a temporary folder and prints what training would look like."""
    if run.begun:
        run.agreed(resolved.config)
        print(f"{run.path} contains a run that has started; the estimate is for the same run from scratch")
    program.import_tensorflow(machine.onednn_of_run(run.path))
    from seq2seq_tf.training.hardware import give_back_freed_memory, use_cores_side_by_side
    from seq2seq_tf.training.run_dir import RunDir
    from seq2seq_tf.training.time_budget import estimate
    from seq2seq_tf.training.trainer import Trainer

    give_back_freed_memory()
    use_cores_side_by_side()
    with tempfile.TemporaryDirectory(prefix="seq2seq_dry_run_") as folder:
        trial = RunDir(os.path.join(folder, "run"))
        config = trial.create(resolved.config)
        print(f"non-default values:\n{describe(resolved)}")
        print(_computed(config.train))
        task = prepare(trial, config, print)
        plan = task.plan(0)
        print(f"an epoch: {len(plan.batches):,} batches, {plan.padding:.1%} padding")
        print(estimate(task, Trainer(task.model, config.train, task.batch_spec, task.carry_spec)))
    print("nothing was trained or written" + (f" into {run.path}" if FLAGS.model_dir else ""))
    return 0


def _computed(train: TrainConfig) -> str:
    parts = f"in {train.shards} parallel parts" if train.shards > 1 else "undivided"
    return f"matrix products in {train.precision}, batches {parts}"


def _train(
    run: RunDir, resolved: Resolved[AnyConfig], prepare: Callable[..., Any], stop: _StopOnSignal, log: RunLog
) -> int:
    program.import_tensorflow(machine.onednn_of_run(run.path))
    from seq2seq_tf.training.hardware import give_back_freed_memory, use_cores_side_by_side
    from seq2seq_tf.training.run_dir import RunDir

    give_back_freed_memory()
    use_cores_side_by_side()
    config = run.agreed(resolved.config) if run.begun else run.create(resolved.config)
    log(f"run folder {run.path}; non-default values:\n{describe(resolved)}")
    log(_computed(config.train))
    if changed := machine.record(run.path):
        print(f"warning: {changed}", file=sys.stderr)
        log.note(f"warning: {changed}")
    from seq2seq_tf.training.session import Session

    task = prepare(run, config, log)
    run.create(resolved.config)  # stores changed options, now that the files are known to be the same
    session = Session(run, config, task, stop)
    if run.latest_checkpoint():
        log(f"resuming from {run.latest_checkpoint()}")
    elif config.train.init_from:
        log(f"starting from the weights of {RunDir(config.train.init_from).weights_file()}")
    session.fit_into_time(time.perf_counter() - _BEGIN)
    stop.training_begins()
    outcome = session.run()
    if not outcome.finished:
        again = f"the same command, or --model_dir={run.path} alone, resumes it"
        log(f"stopped at update {outcome.update}; {again}")
        return program.EXIT_INTERRUPTED
    log(f"finished after {outcome.update} updates; best {config.train.metric} {abs(outcome.best_score):.3f}")
    return 0


class _StopOnSignal:
    """True after the first SIGINT, SIGTERM or SIGHUP (closed terminal); a second one ends the program immediately.

    Before training begins, the first one does too: preparation only writes whole files. The program ends through
    `sys.exit`, so that the process that trains a tokenizer ends with it.
    """

    def __init__(self) -> None:
        self._asked = False
        self._training = False
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(number, self._on_signal)

    def training_begins(self) -> None:
        """Makes the next signal request a stop after the current update instead of ending the program."""
        self._training = True

    def _on_signal(self, number: int, _: object) -> None:
        if self._asked or not self._training:
            sys.exit(128 + number)
        self._asked = True
        print("stopping after this update; a second signal stops immediately", file=sys.stderr)

    def __call__(self) -> bool:
        return self._asked
