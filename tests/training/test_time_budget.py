"""train.max_minutes: speed is measured without a trace, the end is chosen once and stored; the schedule ends there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.config.loading import flatten, load
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.training import checkpoint, time_budget
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from seq2seq_tf.training.time_budget import Speed, measure, seconds_of
from tests import every_task
from tests.every_task import Example, example

TIMES = {"tokens_per_second", "elapsed_seconds"}


def train_config(**values: Any) -> Any:
    return load(None, {f"train.{name}": value for name, value in values.items()}, TranslationConfig).config.train


def test_the_time_of_training_is_that_of_its_updates_validations_and_end() -> None:
    speed = Speed(update=0.5, validation=10.0, end=7.0)
    whole = 1.0 - time_budget._RESERVE
    assert seconds_of(70, train_config(), 35, speed) * whole == pytest.approx(35 + 2 * 10 + 7)
    assert seconds_of(71, train_config(), 35, speed) * whole == pytest.approx(35.5 + 3 * 10 + 7)
    assert seconds_of(70, train_config(init_from="base"), 35, speed) * whole == pytest.approx(35 + 3 * 10 + 7)
    assert seconds_of(70, train_config(validate_every=20), 35, speed) * whole == pytest.approx(35 + 4 * 10 + 7)


def with_speed(monkeypatch: pytest.MonkeyPatch, speed: Speed) -> None:
    """Gives the machine this speed, after measuring it as usual."""

    def measured(*arguments: Any) -> Speed:
        measure(*arguments)
        return speed

    monkeypatch.setattr(time_budget, "measure", measured)


def chosen(session: Session, minutes: float, spent: float = 0.0) -> tuple[int, str]:
    object.__setattr__(session.trainer.config, "max_minutes", minutes)
    choice = time_budget.choose(session.task, session.trainer, spent)
    return choice.updates, choice.reason


@pytest.fixture
def session(tmp_path: Path) -> Session:
    run, config, task = every_task.prepare(example("captioning", tmp_path / "data", train__max_epochs=4), tmp_path)
    return Session(run, config, task, lambda: False)


def test_as_many_updates_are_chosen_as_fit_and_never_more_than_planned(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are 29 scenes in batches of 11: 3 updates per epoch, 12 in total."""
    assert session.updates_planned == 12
    monkeypatch.setattr(time_budget, "measure", lambda *_: Speed(update=6.0, validation=0.0, end=0.0))
    assert chosen(session, 60.0)[0] == 12
    updates, reason = chosen(session, 0.5)
    assert updates == 4  # 30 seconds, 3 % of them in reserve
    assert "4 of 12 updates" in reason
    assert "1.33 epochs" in reason
    assert chosen(session, 1.0, spent=30.0)[0] in (3, 4)  # measuring takes no time here, or hardly any
    with pytest.raises(InputError, match=r"train\.max_minutes=0\.1: .* none fits"):
        chosen(session, 0.1, spent=5.0)


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in text.splitlines()]


def assert_same_run(found: Path, expected: Path) -> None:
    arrays, wanted = (checkpoint.load_arrays(str(folder / "model.npz"))[0] for folder in (found, expected))
    assert {name: array.tobytes() for name, array in arrays.items()} == {n: a.tobytes() for n, a in wanted.items()}
    assert lines(found) == lines(expected)


@pytest.mark.slow  # the quick test is that of a shorter run, which is also measured and compared
@pytest.mark.parametrize("task", every_task.TASKS)
def test_measuring_leaves_no_trace(task: str, tmp_path: Path) -> None:
    run, config, made = every_task.prepare(example(task, tmp_path / "data", train__optimizer="nadam"), tmp_path / "run")
    session = Session(run, config, made, lambda: False)
    before = {name: variable.numpy().tobytes() for name, variable in session.trainer.variables().items()}
    speed = measure(made, session.trainer, 0.0)
    assert speed.update > 0.0
    assert speed.validation > 0.0
    assert {name: v.numpy().tobytes() for name, v in session.trainer.variables().items()} == before


@pytest.mark.slow
def test_a_run_with_enough_time_equals_the_run_without_a_limit(tmp_path: Path) -> None:
    every_task.train(example("translation", tmp_path / "a"), tmp_path / "plain")
    every_task.train(example("translation", tmp_path / "a", train__max_minutes=1e5), tmp_path / "timed")
    assert_same_run(tmp_path / "timed", tmp_path / "plain")
    assert RunDir(str(tmp_path / "timed")).load_config(TranslationConfig).train.max_updates == 0


def test_a_shorter_run_stores_its_end_resumes_to_it_and_its_rate_reaches_zero_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = example("language_model", tmp_path / "data", train__bptt_steps=9, train__max_minutes=1e5)
    with_speed(monkeypatch, Speed(update=60e5 / 6, validation=0.0, end=0.0))
    asked = iter((False,))
    with pytest.raises(StopIteration):  # killed during its second update, long before train.checkpoint_every
        every_task.train(found, tmp_path / "run", lambda: next(asked))
    stored = RunDir(str(tmp_path / "run")).load_config(LanguageModelConfig)
    assert stored.train.max_updates == 5
    with_speed(monkeypatch, Speed(update=60e5 / 3, validation=0.0, end=0.0))  # a slower machine: the choice stays
    asked = iter((False, True))
    assert not every_task.train(found, tmp_path / "run", lambda: next(asked)).finished
    with_speed(monkeypatch, Speed(update=1.0, validation=0.0, end=0.0))  # nor does a faster one change it
    assert every_task.train(found, tmp_path / "run").update == 5
    rates = [line["learning_rate"] for line in lines(tmp_path / "run") if "learning_rate" in line]
    assert len(rates) == 5
    assert rates[-1] == pytest.approx(0.0, abs=1e-12)
    values = {**flatten(found.config), "train.max_minutes": 0.0, "train.max_updates": 5}
    whole = Example(load(None, values, LanguageModelConfig).config, found.valid, found.prepare)
    every_task.train(whole, tmp_path / "whole")
    assert_same_run(tmp_path / "run", tmp_path / "whole")


def test_an_estimate_reports_what_the_minutes_would_allow(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_budget, "measure", lambda *_: Speed(update=6.0, validation=0.0, end=0.0))
    line = time_budget.estimate(session.task, session.trainer)
    assert line.startswith("12 updates (3 an epoch) of 6 s")
    assert line.endswith("about 1.2 minutes")
    object.__setattr__(session.trainer.config, "max_minutes", 0.5)
    assert time_budget.estimate(session.task, session.trainer).endswith(
        "about 4 updates would fit into train.max_minutes=0.5"
    )
