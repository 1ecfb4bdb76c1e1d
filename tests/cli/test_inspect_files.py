"""Code shared by the commands of seq2seq-inspect: names of files, warnings, tasks with an ability."""

from __future__ import annotations

import warnings

import pytest

from seq2seq_tf.cli.inspect_files import kinds_that_show, module_of, numbered, warnings_as_lines


def test_a_single_picture_gets_the_given_name() -> None:
    assert numbered("x/map.png", ["1"]) == ["x/map.png"]
    assert numbered("x/map.png", ["1", "b"]) == ["x/map_1.png", "x/map_b.png"]


def test_warnings_are_printed_as_lines_even_if_the_work_fails(capsys: pytest.CaptureFixture[str]) -> None:
    def fail_late() -> None:
        warnings.warn("text 3: cut", stacklevel=1)
        raise RuntimeError("later")

    with pytest.raises(RuntimeError, match="later"), warnings_as_lines():
        fail_late()
    assert capsys.readouterr().err == "warning: text 3: cut\n"


def test_the_default_task_comes_first_and_only_tasks_with_the_ability_are_listed() -> None:
    assert [kind.task for kind in kinds_that_show("attention")] == ["translation", "captioning"]
    assert [kind.task for kind in kinds_that_show("units")] == ["translation", "language_model"]
    assert [kind.task for kind in kinds_that_show("cells")] == ["language_model"]
    assert kinds_that_show("dreams") == []
    assert [module_of(kind).__name__ for kind in kinds_that_show("cells")] == [
        "seq2seq_tf.tasks.language_model.inspect"
    ]
