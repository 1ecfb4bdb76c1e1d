"""A run that dies at any operation on a file ends, started again, as one that was never interrupted: in every task.

The same weights, each number for people once, the same files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.crash_points import Revival, told
from tests.every_task import TASKS, example

POINTS = 9  # of the sample
# Validations that fall on a checkpoint, between them, at an epoch's end and at the end of training.
OPTIONS: list[dict[str, Any]] = [
    {"train__checkpoint_every": 2},
    {"train__checkpoint_every": 2, "train__validate_every": 3, "train__keep": "resume", "train__keep_checkpoints": 3},
]


def assert_goes_on(revival: Revival, copy: Path) -> None:
    revival.go_on(copy)
    found = told(copy)
    for what, expected in revival.expected.items():
        assert found[what] == expected, (what, copy)


def test_killed_at_some_operations_a_run_ends_as_if_it_had_never_been(tmp_path: Path, rng: np.random.Generator) -> None:
    options = {**OPTIONS[1], "model__attention": "none", "train__keep": "final"}  # nothing is drawn
    revival = Revival(example("translation", tmp_path / "text", **options), tmp_path)
    trained = [copy for copy in revival.copies if (copy / "data" / "prepared.json").exists()]
    assert len(trained) > 3 * POINTS
    assert revival.expected["metrics"][-1]["final"]
    chosen = sorted({*rng.choice(len(trained), POINTS, replace=False).tolist(), len(trained) - 1})
    for number in chosen:
        assert_goes_on(revival, trained[number])


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=["epochs", "updates"])
@pytest.mark.parametrize("task", TASKS)
def test_killed_at_any_operation_a_run_ends_as_if_it_had_never_been(
    task: str, options: dict[str, Any], tmp_path: Path
) -> None:
    revival = Revival(example(task, tmp_path / "text", **options), tmp_path)
    assert len(revival.copies) > 40
    for copy in revival.copies:
        assert_goes_on(revival, copy)
