"""What the commands of seq2seq-inspect share: names of files, warnings, tasks that offer something."""

from __future__ import annotations

import warnings

import pytest

from seq2seq_tf.cli.inspect_files import kinds_that_show, module_of, numbered, warnings_as_lines
from seq2seq_tf.tasks import TASKS


def test_a_single_picture_has_the_name_that_was_given() -> None:
    assert numbered("x/map.png", ["1"]) == ["x/map.png"]
    assert numbered("x/map.png", ["1", "b"]) == ["x/map_1.png", "x/map_b.png"]


def test_warnings_are_lines_also_when_the_work_fails(capsys: pytest.CaptureFixture[str]) -> None:
    def fail_late() -> None:
        warnings.warn("text 3: cut", stacklevel=1)
        raise RuntimeError("later")

    with pytest.raises(RuntimeError, match="later"), warnings_as_lines():
        fail_late()
    assert capsys.readouterr().err == "warning: text 3: cut\n"


def test_the_default_task_comes_first_and_only_tasks_that_offer_something_are_named() -> None:
    assert [kind.task for kind in kinds_that_show("attention")] == ["translation", "captioning"]
    assert [kind.task for kind in kinds_that_show("units")] == ["translation", "language_model"]
    assert [kind.task for kind in kinds_that_show("cells")] == ["language_model"]
    assert kinds_that_show("dreams") == []


@pytest.mark.parametrize("task", [name for name, kind in TASKS.items() if kind.inspects])
def test_a_task_offers_what_its_configuration_says(task: str) -> None:
    needed = {
        "attention": ("ATTENTION_INPUTS", "check_attention", "load", "attention"),
        "units": ("READS_PAIRS", "load", "read"),
        "gradients": ("load", "reference_copy", "gradient_batch"),
        "cells": ("load", "reference_copy", "gradient_batch", "sizes_of_run", "sizes_given"),
    }
    module = module_of(TASKS[task])
    assert all(hasattr(module, name) for ability in TASKS[task].inspects for name in needed[ability])
