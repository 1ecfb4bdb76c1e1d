"""Options that were renamed: old files keep their meaning, and old flags are answered with the new name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from seq2seq_tf.config.common import Renamed, TaskConfig
from seq2seq_tf.config.loading import TASKS, flatten, leaves, load
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig
from seq2seq_tf.training.run_dir import RunDir
from tests.config.test_loading import another_value

EVERY_RENAMED = [
    pytest.param(kind, old, renamed, id=f"{task} {old}")
    for task, kind in TASKS.items()
    for old, renamed in kind.renamed.items()
]


def as_before(config: TaskConfig) -> str:
    """Returns the configuration as the version before the new names wrote it."""
    old_names = {renamed.name: (old, renamed.values) for old, renamed in type(config).renamed.items()}
    written: dict[str, Any] = {"task": config.task}
    for name, value in flatten(config).items():
        old, words = old_names.get(name, (name, {}))
        section, key = old.split(".")
        written.setdefault(section, {})[key] = next((before for before, now in words.items() if now == value), value)
    return yaml.safe_dump(written, sort_keys=False)


@pytest.mark.parametrize(("kind", "old", "renamed"), EVERY_RENAMED)
def test_an_old_name_in_a_file_means_the_new_one(
    kind: type[TaskConfig], old: str, renamed: Renamed, tmp_path: Path
) -> None:
    known = {leaf.name: leaf for leaf in leaves(kind)}
    assert old not in known
    leaf = known[renamed.name]
    values = {another_value(leaf): another_value(leaf), **renamed.values}  # old value -> current value
    section, key = old.split(".")
    for before, now in values.items():
        path = tmp_path / "old.yaml"
        path.write_text(f"task: {kind.task}\n{section}:\n  {key}: {before}\n")
        resolved = load(path, kind=kind)
        assert flatten(resolved.config)[renamed.name] == now
        if now != leaf.default:
            assert resolved.sources == {renamed.name: f"{path}:3"}


@pytest.mark.parametrize(("kind", "old", "renamed"), EVERY_RENAMED)
def test_an_old_name_as_a_flag_is_answered_with_the_new_one(kind: type[TaskConfig], old: str, renamed: Renamed) -> None:
    with pytest.raises(InputError, match=f"^--{old} is now --{renamed.name}$"):
        load(None, {old: 1}, kind)


def test_old_and_new_name_in_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "both.yaml"
    path.write_text("task: language_model\ntrain:\n  chunk: 5\n  bptt_steps: 5\n")
    with pytest.raises(InputError) as caught:
        load(path, kind=LanguageModelConfig)
    assert str(caught.value) == f"{path}:4: train.bptt_steps sets train.bptt_steps again; it is already set at {path}:3"


@pytest.mark.parametrize("task", [task for task, kind in TASKS.items() if kind.renamed])
def test_a_configuration_with_old_names_equals_the_current_one(task: str, tmp_path: Path) -> None:
    kind = TASKS[task]
    config = load(None, {renamed.name: _allowed(kind, renamed) for renamed in kind.renamed.values()}, kind).config
    before = as_before(config)
    assert all(f"  {old.split('.')[1]}: " in before for old in kind.renamed)
    (tmp_path / "run").mkdir()
    run = RunDir(str(tmp_path / "run"))
    Path(run.config_file).write_text(before)
    assert run.load_config(kind) == config


def _allowed(kind: type[TaskConfig], renamed: Renamed) -> Any:
    if renamed.name == "data.tokenizer":
        return "sentencepiece"
    return another_value(next(leaf for leaf in leaves(kind) if leaf.name == renamed.name))
