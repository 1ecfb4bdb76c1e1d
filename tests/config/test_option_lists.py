"""Lists of all options: a file that can be loaded again, and the table in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq_tf.config.loading import leaves, load, task_of
from seq2seq_tf.config.option_lists import as_markdown, as_yaml
from seq2seq_tf.tasks import TASKS
from tests.toy import ROOT

every_task = pytest.mark.parametrize("task", TASKS)


@every_task
def test_the_file_of_all_options_contains_each_with_its_meaning_and_gives_the_defaults(
    task: str, tmp_path: Path
) -> None:
    text = as_yaml(TASKS[task])
    (tmp_path / "all.yaml").write_text(text)
    assert task_of(tmp_path / "all.yaml") == task
    loaded = load(tmp_path / "all.yaml", kind=TASKS[task])
    assert loaded.config == load(None, kind=TASKS[task]).config
    assert loaded.sources == {}
    words = " ".join(text.replace("#", " ").split())
    for leaf in leaves(TASKS[task]):
        assert " ".join(leaf.help.split()) in words, leaf.name
    assert max(map(len, text.splitlines())) <= 120


@every_task
def test_changing_a_line_of_the_file_changes_that_option_alone(task: str, tmp_path: Path) -> None:
    text = as_yaml(TASKS[task])
    assert "\n  seed: 1\n" in text
    (tmp_path / "all.yaml").write_text(text.replace("\n  seed: 1\n", "\n  seed: 7\n", 1))
    assert set(load(tmp_path / "all.yaml", kind=TASKS[task]).sources) == {"train.seed"}


def test_the_table_of_options_in_the_docs_is_what_the_program_prints() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (table,) = [part for part in page.split("\n\n") if part.startswith("| option | default | allowed |")]
    printed = as_markdown(TASKS["translation"])
    assert table.strip() == printed.strip(), "print it again: seq2seq-config options --format=markdown"
