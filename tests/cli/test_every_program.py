"""Tests of every program and command: help, hints, ranges, encodings, outputs, runs of other tasks."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.cli.flag_types import OptionParser, OutputParser
from seq2seq_tf.config.common import Range
from seq2seq_tf.config.loading import TASKS, leaves, load, to_yaml
from tests.programs import COMMANDS, TRAINING, WITHOUT_RUN, call, defined, kinds_of_flags
from tests.trained import assert_one_error_line

USED = [name for name in COMMANDS if name not in TRAINING]
every_program = pytest.mark.parametrize("name", COMMANDS)
# Program, flag that names an output, and a file name for it.
OUTPUTS = [
    ("evaluate", "json", "x"),
    ("evaluate", "hypotheses", "x"),
    ("export", "out", "x"),
    ("lm score", "json", "x"),
    ("classify evaluate", "json", "x"),
    ("classify evaluate", "plot", "x"),
    ("tag restore", "output", "x"),
    ("tag evaluate", "json", "x"),
    ("caption evaluate", "json", "x"),
    ("caption draw", "out", "x.png"),
    ("forecast evaluate", "json", "x"),
    ("forecast draw", "out", "x.png"),
    ("inspect attention", "out", "x.html"),
    ("inspect units", "out", "x.html"),
    ("inspect units", "png", "x.png"),
    ("inspect units", "json", "x"),
    ("inspect gradients", "out", "x.html"),
    ("inspect gradients", "png", "x.png"),
    ("inspect gradients", "json", "x"),
    ("inspect contexts", "out", "x.html"),
    ("inspect contexts", "png", "x.png"),
    ("inspect contexts", "json", "x"),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run folder for each task, with a configuration and nothing else."""
    folder = tmp_path_factory.mktemp("runs")
    for task, kind in TASKS.items():
        (folder / task).mkdir()
        (folder / task / "config.yaml").write_text(to_yaml(load(None, kind=kind).config))
    return {task: folder / task for task in TASKS}


@every_program
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_describes_the_program_then_its_flags(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = call(name, "--help")
    assert (shown.code, shown.stderr) == (0, "")
    blocks = shown.stdout.split("\n\n")
    assert COMMANDS[name].help in blocks[0]
    assert blocks[1].startswith("usage: ")
    assert f"seq2seq-{name}" in blocks[2]  # an example
    listed = re.findall(r"^  --(?:\[no\])?([\w.]+)", "\n\n".join(blocks[3:]), re.MULTILINE)
    assert sorted(listed) == sorted(kinds_of_flags(name))
    assert "model_dir" in listed[:2]
    assert max(map(len, "\n".join(blocks[3:]).splitlines())) <= min(columns, 120)
    assert "--pdb" not in shown.stdout
    assert "--pdb" in call(name, "--helpfull").stdout


@pytest.mark.parametrize("name", WITHOUT_RUN)
def test_programs_without_a_run_describe_themselves_and_refuse_unknown_flags(name: str) -> None:
    shown = call(name, "--help")
    assert (shown.code, shown.stderr) == (0, "")
    assert WITHOUT_RUN[name].help in shown.stdout
    assert all(f"{flag}" in shown.stdout for flag in kinds_of_flags(name))
    assert_one_error_line(call(name, "--xyzzy=3"), "unknown flag --xyzzy")
    assert_one_error_line(call(name, "--caf\udce9=3"), "not UTF-8")


@pytest.mark.parametrize("name", TRAINING)
def test_help_of_training_lists_options_by_section_with_range_and_default(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    page = call(name, "--help").stdout
    flags = page[page.index("flags:") :]
    assert re.findall(r"--(\w+)=", flags)[:2] == ["config", "model_dir"]
    places = [flags.index(f"section {section}") for section in ("data", "model", "train")]
    assert places == sorted(places)
    assert re.search(r"--train\.keep_checkpoints=N +.*\[1 to 10,000; default: 2\]", flags)
    assert re.search(r"default: adam\]", flags)


def bounds(parser: Any) -> tuple[float, float]:
    """Returns the bounds that absl's parser of a number allows."""
    return parser.lower_bound, parser.upper_bound


@pytest.mark.parametrize("name", [*COMMANDS, *WITHOUT_RUN])
def test_every_number_has_bounds_and_exceeding_them_is_one_line(name: str) -> None:
    for flag, (kind, parser) in kinds_of_flags(name).items():
        if kind not in ("int", "float"):
            continue
        allowed = parser.leaf.allowed if isinstance(parser, OptionParser) else None
        low, high = allowed if isinstance(allowed, Range) else bounds(parser)
        assert -(2**31) <= low <= high <= 2**31 - 1, flag
        assert not isinstance(low, float) or math.isfinite(low + high)
        values = ("10000000000", "nan", "-10000000000", "inf", "1e400", "9" * 5000, "x", "")
        for value in values[:2] if allowed else values:  # all values of options: tests/config/test_loading.py
            ended = call(name, f"--{flag}={value}")
            assert_one_error_line(ended, f"--{flag}=")
            assert len(ended.stderr) < 1100


@every_program
def test_an_argument_that_is_not_utf8_is_named(name: str) -> None:
    assert_one_error_line(call(name, "--model_dir=caf\udce9"), "--model_dir: not UTF-8", r"caf\xe9")
    assert_one_error_line(call(name, "caf\udce9"), "argument: not UTF-8", r"caf\xe9")
    assert_one_error_line(call(name, "--caf\udce9"), r"--caf\xe9: not UTF-8")


@every_program
def test_an_unknown_flag_gets_a_hint(name: str) -> None:
    assert_one_error_line(call(name, "--model_dri=x"), "unknown flag --model_dri (did you mean --model_dir?)")
    assert_one_error_line(call(name, "--run_dir=x"), "--model_dir")
    assert_one_error_line(call(name, "--xyzzy=x"), "--help lists the flags")
    assert_one_error_line(call(name, "--xyz\x1b[31m\r\u2028y=x"), r"--xyz\x1b[31m\r\u2028y")
    assert_one_error_line(call(name, "--nologtostderr=x"), "does not take an argument")


@every_program
def test_without_a_run_folder_the_flag_for_it_is_named(name: str, tmp_path: Path) -> None:
    needed = {"export": [f"--out={tmp_path / 'x'}"], "caption describe": ["--scene=0"], "caption draw": ["--scene=0"]}
    assert_one_error_line(call(name, *needed.get(name, [])), "--model_dir")


@pytest.mark.parametrize(("name", "flag", "file"), OUTPUTS)
def test_an_output_is_checked_before_anything_else(
    name: str, flag: str, file: str, tmp_path: Path, runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    needed = ["--scene=0"] if name.startswith("caption draw") else []
    ended = call(name, f"--model_dir={tmp_path}", *needed, f"--{flag}={tmp_path}/file/{file}")
    assert_one_error_line(ended, f"file/{file}: cannot be written: not a folder")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("name", "other"), [("evaluate", "source"), ("evaluate", "hypotheses"), ("lm score", "text")])
def test_an_output_never_overwrites_what_another_flag_names(name: str, other: str, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    ended = call(name, f"--json={tmp_path}/./kept", f"--{other}={tmp_path}/kept", f"--model_dir={tmp_path}")
    assert_one_error_line(ended, "would overwrite what --")
    assert (tmp_path / "kept").read_text() == "kept"


def test_no_output_is_forgotten() -> None:
    found = [(name, flag) for name in COMMANDS for flag, (_, p) in kinds_of_flags(name).items() if is_output(flag, p)]
    assert sorted(found) == sorted((name, flag) for name, flag, _ in OUTPUTS)


def is_output(flag: str, parser: object) -> bool:
    named = flag in ("json", "out", "png", "plot", "hypotheses") or (
        flag == "output" and not hasattr(parser, "enum_values")
    )
    return named or isinstance(parser, OutputParser)


@pytest.mark.parametrize("name", USED)
def test_the_error_for_a_run_of_another_task_names_its_program(
    name: str, runs: dict[str, Path], tmp_path: Path
) -> None:
    needed = {
        "export": [f"--out={tmp_path / 'x'}"],
        "caption describe": ["--scene=0"],
        "caption draw": ["--scene=0", f"--out={tmp_path / 'x.png'}"],
        "inspect attention": ["--text=ka"],
    }
    for task, run in runs.items():
        program = f"seq2seq-{name}"
        if name.startswith("inspect") or program in TASKS[task].used_by or name.split()[0] in TASKS[task].used_by:
            continue
        ended = call(name, f"--model_dir={run}", *needed.get(name, []))
        assert_one_error_line(ended, str(run), f"a run of {task}", f"use {TASKS[task].used_by}")


@pytest.mark.parametrize("name", TRAINING)
def test_the_error_for_a_configuration_of_another_task_names_its_program(
    name: str, runs: dict[str, Path], tmp_path: Path
) -> None:
    for task, run in runs.items():
        if TASKS[task].trained_by == f"seq2seq-{name}":
            continue
        ended = call(name, f"--config={run / 'config.yaml'}", f"--model_dir={tmp_path / 'run'}")
        assert_one_error_line(
            ended, f"config.yaml:1: this is a configuration for {task}", f"use {TASKS[task].trained_by}"
        )
        assert not (tmp_path / "run").exists()


def test_the_error_for_a_configuration_without_a_task_names_the_missing_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("data:\n  train: x\n")
    ended = call("tag train", f"--config={tmp_path / 'x.yaml'}", "--model_dir=x")
    assert_one_error_line(ended, "no line `task: tagging`", "seq2seq-train")


@pytest.mark.parametrize("name", TRAINING)
@pytest.mark.parametrize("written", ["epochs", "train.epochs", "num_epochs", "max_epoch"])
def test_epochs_suggest_max_epochs(name: str, written: str) -> None:
    assert_one_error_line(call(name, f"--{written}=3"), f"unknown flag --{written} (did you mean --train.max_epochs?)")


@pytest.mark.parametrize("name", COMMANDS)
def test_flags_leave_nothing_behind(name: str) -> None:
    with defined(name) as found:
        assert found
    with defined(name) as again:
        assert len(again) == len(found)


def test_sizes_that_together_exceed_any_memory_are_refused_before_the_work(tmp_path: Path) -> None:
    out = f"--out={tmp_path / 'x.html'}"
    for flags in (["--sequences=4096", "--steps=10000"], ["--hidden=4096", "--sequences=1024"], ["--directions=4096"]):
        assert_one_error_line(call("inspect gradients", "--compare=cells", out, *flags), "are more than")
    ended = call(
        "lm train",
        "--train.batch_size=65536",
        "--train.bptt_steps=65536",
        f"--model_dir={tmp_path / 'run'}",
        "--data.train=x",
    )
    assert_one_error_line(ended, "train.batch_size=65536 times train.bptt_steps=65536")


def test_options_of_sampling_and_searching_are_checked_as_in_a_file() -> None:
    for name, section in (("lm sample", "sample."), ("translate", "search."), ("caption describe", "search.")):
        (kind,) = {kind for kind in TASKS.values() if kind.trained_by.split()[0] == f"seq2seq-{name.split()[0]}"} or {
            TASKS["translation"]
        }
        for leaf in leaves(kind):
            if leaf.name.startswith(section) and leaf.type is not bool:
                ended = call(name, "--model_dir=x", f"--{leaf.name.removeprefix(section)}=-1")
                assert_one_error_line(ended, leaf.name, "must be in")
