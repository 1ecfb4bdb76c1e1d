"""What a configuration says about the numbers of training is bound to the model when it is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.every_task import TASKS, example, prepare

WITH_CLASSES = [task for task in TASKS if task != "forecasting"]  # which predicts numbers


@pytest.mark.parametrize("task", WITH_CLASSES)
def test_the_model_of_a_task_has_smoothing_gradients_and_precision_of_its_configuration(
    task: str, tmp_path: Path
) -> None:
    changes = {"train__label_smoothing": 0.3, "train__precision": "bfloat16", "model__fused": False}
    _, _, made = prepare(example(task, tmp_path / "data", **changes), tmp_path / "run")
    assert tuple(made.model.cross_entropy) == (0.3, False)
    assert made.model.compute_dtype == "bfloat16"
