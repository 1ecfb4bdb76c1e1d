"""The registry knows every task by its name, and the class that uses its trained runs."""

from __future__ import annotations

import pytest

from seq2seq_tf.config.registry import DEFAULT_TASK, TASKS, default_kind
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks import python_api
from seq2seq_tf.tasks.classification.classifier import Classifier
from seq2seq_tf.tasks.translation.config import TranslationConfig


def test_a_task_is_known_by_its_own_name() -> None:
    assert {task: kind.task for task, kind in TASKS.items()} == {task: task for task in TASKS}
    assert default_kind() is TASKS[DEFAULT_TASK] is TranslationConfig


def test_the_class_of_trained_runs_is_found_by_the_name_of_the_task() -> None:
    assert python_api("classification") is Classifier
    with pytest.raises(InputError, match="there is no task 'tagger' in this package"):
        python_api("tagger")


@pytest.mark.parametrize("task", TASKS)
def test_the_class_of_each_task_loads_a_run_folder(task: str) -> None:
    assert callable(python_api(task).load)
    assert python_api(task).__module__.startswith(f"seq2seq_tf.tasks.{task}.")
