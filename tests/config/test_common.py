"""What every option declares, and which values of all tasks contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq_tf.config.common import PATH, Range, Text
from seq2seq_tf.config.loading import Leaf, check, leaves, load
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks import TASKS
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.translation.config import TranslationConfig
from tests.refusals import assert_refused

KIND = TranslationConfig
EVERY_LEAF = [(task, leaf) for task, kind in TASKS.items() for leaf in leaves(kind)]


@pytest.mark.parametrize(("task", "leaf"), EVERY_LEAF, ids=lambda x: getattr(x, "name", x))
def test_every_number_has_a_range_that_fits_int32_and_every_text_a_kind(task: str, leaf: Leaf) -> None:
    if leaf.type in (int, float):
        assert isinstance(leaf.allowed, Range)
        assert -(2**31) <= leaf.allowed.low <= leaf.default <= leaf.allowed.high <= 2**31 - 1
        for value in (10**10, -(10**10), float("nan"), float("inf"), "nan", 10**5000):
            with pytest.raises(InputError, match=rf"^x: {leaf.name} must"):
                check(leaf, value, "x")
    else:
        assert leaf.type is bool or not isinstance(leaf.allowed, Range)


def test_options_that_name_files_are_marked_as_paths() -> None:
    texts = {leaf.name for _, leaf in EVERY_LEAF if leaf.type is str and leaf.allowed is Text.ANY}
    lists = {"data.columns", "data.time", "model.calendar", "model.quantiles"}  # names and numbers, in forecasting
    assert texts <= {"data.pattern", "data.exclude", *lists}, "of files and folders? then PATH"
    assert {leaf.name for _, leaf in EVERY_LEAF if leaf.allowed is PATH} >= {"data.train", "data.train_source"}


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"train.weight_decay": 0.1}, ["train.weight_decay", "adamw", "got adam"]),
        ({"train.jit_compile": True}, ["train.jit_compile=true", "model.cudnn=false"]),
    ],
)
def test_values_that_contradict_each_other_are_refused(overrides: dict[str, Any], parts: list[str]) -> None:
    assert_refused(overrides, parts, TranslationConfig)


def test_a_task_without_gradient_curves_refuses_the_option() -> None:
    with pytest.raises(InputError, match="train.gradient_curves must be 0: captioning does not support it"):
        load(None, {"train.gradient_curves": 5}, CaptioningConfig)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_names_its_programs_and_its_tokenizers(task: str) -> None:
    kind = TASKS[task]
    assert kind.trained_by.startswith("seq2seq-")
    assert kind.used_by.startswith("seq2seq-")
    assert kind.tokenizer_files
    assert ":" in kind.python_api
