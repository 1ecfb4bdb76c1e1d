"""A task is a folder, a program and a line in the registry: the rest works without them.

Translation is not removable: it is the task of a configuration that names none.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq_tf.config.registry import DEFAULT_TASK
from seq2seq_tf.tasks import TASKS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "seq2seq_tf"
REMOVABLE = sorted(set(TASKS) - {DEFAULT_TASK})


def without(folder: Path, *tasks: str) -> Path:
    """Returns a folder with a copy of the package without the tasks."""
    package = folder / PACKAGE
    shutil.copytree(ROOT / PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    registry = package / "tasks" / "__init__.py"
    for task in tasks:
        shutil.rmtree(package / "tasks" / task)
        (package / "cli" / f"{program(task)}.py").unlink()
        text, count = re.subn(rf'^ *"{task}":.*\n', "", registry.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert count == 1
        registry.write_text(text, encoding="utf-8")
    return folder


def program(task: str) -> str:
    return TASKS[task].trained_by.split()[0].removeprefix("seq2seq-")


def start(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in the folder."""
    command, variables = [sys.executable, "-c", code], {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def run(folder: Path, code: str) -> str:
    """Returns the output of Python run in the folder."""
    ended = start(folder, code)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def imports(path: Path) -> list[tuple[str, int]]:
    """Returns the name and line of each import in a file, including functions and TYPE_CHECKING blocks."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, node.lineno)] + [(f"{node.module}.{a.name}", node.lineno) for a in node.names]
    return found


@pytest.mark.parametrize("task", REMOVABLE)
def test_only_a_line_for_type_checkers_names_a_removed_task(task: str, tmp_path: Path) -> None:
    package = without(tmp_path, task) / PACKAGE
    gone = (f"{PACKAGE}.tasks.{task}", f"{PACKAGE}.cli.{program(task)}")
    met = {
        (str(path.relative_to(package)), line)
        for path in package.rglob("*.py")
        for name, line in imports(path)
        if f"{name}.".startswith(tuple(f"{module}." for module in gone))
    }
    assert {file for file, _ in met} <= {"__init__.py"}
    assert len(met) <= 1  # under TYPE_CHECKING: the class that the package exports, for type checkers
    assert not [path for path in package.rglob("*.py") if f"{PACKAGE}.tasks.{task}." in _without_imports(path)]


def _without_imports(path: Path) -> str:
    """Returns the text of a file without its import lines, as names in strings may be imported too."""
    return re.sub(r"^ *(from|import) .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


HELP = """
import sys
from seq2seq_tf import load_config
import seq2seq_tf
from seq2seq_tf.cli import inspect, inspect_files
from seq2seq_tf.tasks import TASKS
from absl import flags
for kind in TASKS.values():
    assert load_config(None, kind=kind).config.task == kind.task
print(*sorted(TASKS), *seq2seq_tf.__all__)
for command in inspect.COMMANDS.values():
    for flag in list(flags.FLAGS):
        delattr(flags.FLAGS, flag)
    command.define_flags()
    print(*sorted(flags.FLAGS))
for ability in ("attention", "units", "gradients", "cells", "contexts"):
    for kind in inspect_files.kinds_that_show(ability):
        print(ability, kind.task, inspect_files.module_of(kind).__name__)
assert "tensorflow" not in sys.modules
"""


@pytest.mark.parametrize("task", REMOVABLE)
def test_without_a_task_the_others_can_be_configured_and_inspected(task: str, tmp_path: Path) -> None:
    """Runs in a separate process, which does not import TensorFlow."""
    names, attention, *shown_by = run(without(tmp_path, task), HELP).splitlines()
    assert set(TASKS) - set(names.split()) == {task}
    assert TASKS[task].python_api.partition(":")[2] not in names.split()
    assert {"Translator", "Config", "load_config"} <= set(names.split())
    assert ("scenes" in attention.split()) == (task != "captioning")
    assert {"text", "beam_size"} <= set(attention.split())
    shown = {tuple(line.split()[:2]) for line in shown_by if f"{PACKAGE}.tasks." in line}
    expected = {(ability, name) for name, kind in TASKS.items() for ability in kind.inspects if name != task}
    assert shown == expected


EVERYTHING = """
import importlib, pkgutil, sys
from absl import flags
import seq2seq_tf
flags.disclaim_key_flags()
for found in pkgutil.walk_packages(seq2seq_tf.__path__, "seq2seq_tf."):
    if found.name != "seq2seq_tf.tasks.translation.reload_check":  # a script for a separate process
        importlib.import_module(found.name)
        print(found.name)
from seq2seq_tf.cli import inspect_gradients
inspect_gradients.define_flags()
flags.FLAGS(["inspect", "--compare=cells", "--hidden=3", "--sequences=2", "--steps=3", "--out=cells.html"])
assert inspect_gradients.main() == 0
"""


def test_without_three_tasks_everything_else_can_be_imported_and_works(tmp_path: Path) -> None:
    printed = run(without(tmp_path, "captioning", "classification", "tagging"), EVERYTHING)
    assert f"{PACKAGE}.tasks.language_model.recording" in printed.splitlines()
    assert not re.search("captioning|classification|tagging", printed)
    assert re.search(r"^lstm +layer_0 +c ", printed, re.MULTILINE)
    assert (tmp_path / "cells.html").exists()


def test_a_run_of_a_removed_task_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = without(tmp_path, *REMOVABLE)
    (folder / "config.yaml").write_text("task: captioning\n", encoding="utf-8")
    for flags, words in (
        (["attention", "--model_dir=.", "--text=a"], "task must be one of translation"),
        (["gradients", "--compare=cells"], "no task of this package compares cells"),
    ):
        code = (
            f"import sys; from seq2seq_tf.cli import inspect; sys.argv = {['seq2seq-inspect', *flags]}; inspect.run()"
        )
        ended = start(folder, code)
        assert ended.returncode == 2, ended
        assert re.fullmatch(rf"error: .*{words}.*\n", ended.stderr)
