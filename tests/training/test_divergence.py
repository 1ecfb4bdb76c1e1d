"""Diverging training ends with the promised line or continues, never with a library's error, in every task."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from seq2seq_tf.errors import TrainingError
from tests.every_task import TASKS, example, train

WILD = {"train__learning_rate": 100.0, "train__clip_norm": 0.0, "train__warmup_updates": 0, "train__max_epochs": 4}


def assert_ends_as_promised(task: str, folder: Path, **options: object) -> None:
    ended = ""
    try:
        assert train(example(task, folder / "text", **WILD, **options), folder / "run").finished
    except TrainingError as error:
        ended = str(error)
    assert re.fullmatch("|update .* is not a number.*last good checkpoint: .*; try a smaller train.*", ended)
    for line in (folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_diverging_training_ends_with_the_promised_line_or_continues(tmp_path: Path) -> None:
    assert_ends_as_promised("language_model", tmp_path, train__gradient_curves=1)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("task", TASKS)
def test_diverging_training_of_any_task_ends_with_the_promised_line_or_continues(
    task: str, optimizer: str, tmp_path: Path
) -> None:
    assert_ends_as_promised(task, tmp_path, train__optimizer=optimizer)
