"""Training that runs away ends in the promised line, or goes on: never in a library's words. In every task."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from seq2seq_tf.errors import TrainingError
from seq2seq_tf.training.history import History
from seq2seq_tf.training.monitor import Monitor
from seq2seq_tf.training.progress import Progress, RunLog
from seq2seq_tf.training.task import GradientCurves
from seq2seq_tf.training.trainer import UpdateResult
from seq2seq_tf.training.validation import ValidationHistory, perplexity, perplexity_shown
from tests.crash_points import shown
from tests.every_task import TASKS, example, train

WILD = {"train__learning_rate": 100.0, "train__clip_norm": 0.0, "train__warmup_updates": 0, "train__max_epochs": 4}


def runs_away(task: str, folder: Path, **options: object) -> None:
    ended = ""
    try:
        assert train(example(task, folder / "text", **WILD, **options), folder / "run").finished
    except TrainingError as error:
        ended = str(error)
    assert re.fullmatch("|update .* is not a number.*the last good checkpoint is .*; try a smaller train.*", ended)
    for line in (folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_runaway_training_ends_in_the_promised_line_or_goes_on(tmp_path: Path) -> None:
    runs_away("language_model", tmp_path, train__gradient_curves=1)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("task", TASKS)
def test_a_runaway_training_of_any_task_ends_in_the_promised_line_or_goes_on(
    task: str, optimizer: str, tmp_path: Path
) -> None:
    runs_away(task, tmp_path, train__optimizer=optimizer)


@pytest.mark.parametrize("value", [1e300, -1e300, math.inf, -math.inf, math.nan])
def test_numbers_of_any_size_are_written(value: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = example("translation", tmp_path / "text").config
    history = History(str(tmp_path / "metrics.jsonl"), str(tmp_path / "tensorboard"))
    progress = Progress(RunLog(str(tmp_path / "log")), done=0, total=2)
    with Monitor(history, str(tmp_path / "tensorboard"), config, progress) as monitor:
        monitor.update(1, 0, UpdateResult(value, value, 0.0, value, True), rate=value, padding=0.0, seconds=1.0)
        monitor.validation(1, {"loss": value, "bleu": value}, ValidationHistory(best=((0.0, 1),)), {})
        monitor.gradient_curves(1, GradientCurves({"first": value}, {}))
        monitor.final(1, "best checkpoint", {"loss": value})
    progress.close(finished=True)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[0]["loss"] == lines[1]["valid_bleu"] == (value if math.isfinite(value) else None)
    assert ("train/loss", 1) in shown(tmp_path / "tensorboard")


def test_a_perplexity_of_hundreds_of_digits_is_shown_by_its_size() -> None:
    shown = [perplexity_shown(perplexity(nats, 1.0), 2) for nats in (0.0, 2.0, 13.0, 14.0, 1e9, math.nan)]
    assert shown == ["1.00", "7.39", "442413.39", "1.2e+06", "1.0e+304", "nan"]
