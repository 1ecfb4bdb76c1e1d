"""Code shared by the training programs: --dry_run leaves no trace, and a folder without a run is not created."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seq2seq_tf.config.loading import to_yaml
from tests.every_task import PROGRAMS, example
from tests.trained import Call, assert_one_error_line, run_program

_QUICK = "language_model"


@pytest.mark.parametrize(
    "task", [pytest.param(task, marks=() if task == _QUICK else pytest.mark.slow) for task in PROGRAMS]
)
def test_a_dry_run_prints_configuration_sizes_and_minutes_and_writes_nothing(task: str, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(to_yaml(example(task, tmp_path / "data").config), encoding="utf-8")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    name, command = PROGRAMS[task]
    flags = [f"--config={file}", f"--model_dir={tmp_path / 'run'}", "--train.seed=5", "--dry_run"]
    ended = run_program(Call(name, [*command, *flags], environment={"TMPDIR": str(temporary)}))
    assert ended.code == 0, ended
    parts = ("train.seed", "= 5", " parameters", "an epoch: ", " padding", " updates (", "s: about ")
    for part in parts:
        assert part in ended.stdout, part
    assert f"nothing was trained or written into {tmp_path / 'run'}" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "run").exists()
    assert os.listdir(temporary) == []


def test_a_folder_without_a_run_is_not_created(tmp_path: Path) -> None:
    for name, flags in (("train", []), ("lm", ["train"]), ("classify", ["train"]), ("tag", ["train"])):
        ended = run_program(Call(name, [*flags, f"--model_dir={tmp_path / 'none'}"]))
        assert_one_error_line(ended, f"{tmp_path / 'none'}: no run to resume", "--config")
    assert not (tmp_path / "none").exists()
