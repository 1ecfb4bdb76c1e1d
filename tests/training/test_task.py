"""Every task offers what a training session needs, and more where its configuration says so."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.tasks import TASKS as REGISTERED
from seq2seq_tf.training.task import HasGradientCurves, HasSearch, LeavesMore
from tests.every_task import TASKS, example, prepare


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_batches_as_planned_and_as_specified(name: str, tmp_path: Path) -> None:
    _, _, task = prepare(example(name, tmp_path / "data"), tmp_path / "run")
    assert 0.0 <= task.plan(0).padding < 1.0
    planned = task.plan(0).batches[:3]
    assert planned
    loaded = list(itertools.islice(task.load(0, planned), 3))
    assert len(loaded) == len(planned)
    for batch in loaded:
        tf.nest.assert_same_structure(batch, task.batch_spec)
        for spec, array in zip(tf.nest.flatten(task.batch_spec), tf.nest.flatten(batch), strict=True):
            assert spec.is_compatible_with(tf.constant(np.asarray(array)))
    tf.nest.assert_same_structure(task.first_carry(), task.carry_spec)
    assert str(task.describe(planned))


@pytest.mark.parametrize("name", TASKS)
def test_the_optional_parts_of_a_task_match_its_configuration(name: str, tmp_path: Path) -> None:
    _, _, task = prepare(example(name, tmp_path / "data"), tmp_path / "run")
    assert isinstance(task, HasGradientCurves) == REGISTERED[name].has_gradient_curves
    assert isinstance(task, LeavesMore) == (name == "translation")
    assert isinstance(task, HasSearch) == (name in ("translation", "captioning"))
