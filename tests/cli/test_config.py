"""seq2seq-config prints examples, options and scripts; a name may be given without its flag."""

from __future__ import annotations

import pytest

from seq2seq_tf.config import examples
from seq2seq_tf.config.option_lists import as_markdown, as_yaml
from seq2seq_tf.tasks import TASKS
from tests.programs import call
from tests.trained import assert_one_error_line


def test_list_names_every_example_with_its_task() -> None:
    listed = call("config list")
    assert (listed.code, listed.stderr) == (0, "")
    rows = dict(line.split()[:2] for line in listed.stdout.splitlines()[2:])
    assert list(rows) == examples.names()
    assert rows["restore_case"] == "tagging"


def test_list_omits_an_example_whose_task_was_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TASKS, "tagging")
    listed = call("config list")
    assert (listed.code, listed.stderr) == (0, "")
    assert "quickstart_en_de" in listed.stdout
    assert "restore_case" not in listed.stdout


@pytest.mark.parametrize("arguments", [["lm_hello"], ["--name=lm_hello"], ["--name", "lm_hello"], ["lm_hello.yaml"]])
def test_show_prints_the_file_as_it_is(arguments: list[str]) -> None:
    shown = call("config show", *arguments)
    assert (shown.code, shown.stderr) == (0, "")
    assert shown.stdout == examples.path_of("lm_hello").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["name an example", "lm_hello"]),
        (["lm_helo"], ["'lm_helo' is not an example", "did you mean 'lm_hello'?"]),
        (["lm_hello", "restore_case"], ["unexpected argument 'restore_case'"]),
        (["lm_hello", "--name=restore_case"], ["unexpected argument 'lm_hello'"]),
        (["lm_hello", "--nmae=x"], ["unknown flag --nmae", "--name"]),
    ],
)
def test_a_wrong_name_is_one_line(arguments: list[str], words: list[str]) -> None:
    assert_one_error_line(call("config show", *arguments), *words)


@pytest.mark.parametrize("task", TASKS)
def test_the_options_of_the_task_are_printed(task: str) -> None:
    assert call("config options", f"--task={task}").stdout == as_yaml(TASKS[task])
    assert call("config options", f"--task={task}", "--format=markdown").stdout == as_markdown(TASKS[task])


def test_completion_needs_the_name_of_a_shell() -> None:
    assert_one_error_line(call("config completion"), "name a shell: bash, fish, zsh")
    assert_one_error_line(call("config completion", "tcsh"), "bash|fish|zsh")
    assert "Printed by: seq2seq-config completion fish" in call("config completion", "fish").stdout


def test_help_shows_where_the_name_goes() -> None:
    assert " NAME --flag=value ..." in call("config show", "--help").stdout
