"""A run that dies at any file operation and is started again ends like one that was never interrupted, in every task.

It has the same weights and the same files, and each number is reported once.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import load_weights
from tests.crash_points import Revival, told
from tests.every_task import TASKS, example

POINTS = 8  # of the sample
# Validations that fall on a checkpoint, between them, at an epoch's end and at the end of training.
OPTIONS: list[dict[str, Any]] = [
    {"train__checkpoint_every": 2},
    {"train__checkpoint_every": 2, "train__validate_every": 3, "train__keep": "resume", "train__keep_checkpoints": 3},
]


def assert_goes_on(revival: Revival, copy: Path) -> None:
    revival.go_on(copy)
    found = told(copy)
    for what, expected in revival.expected.items():
        assert found[what] == expected, (what, copy)


@pytest.fixture(scope="module")
def revival(tmp_path_factory: pytest.TempPathFactory) -> Revival:
    """Returns a translator without pictures, which take most of the time."""
    folder = tmp_path_factory.mktemp("revival")
    options = {**OPTIONS[1], "train__keep": "all", "model__attention": "none"}
    return Revival(example("translation", folder / "text", **options), folder)


@pytest.fixture
def at_the_end(revival: Revival, tmp_path: Path) -> RunDir:
    """Returns a run that was killed after all updates and validations, before its final weights."""
    copy = [copy for copy in revival.copies if not (copy / "model.npz").exists()][-1]
    return RunDir(str(shutil.copytree(copy, tmp_path / "run")))


def test_a_run_killed_at_some_operations_ends_as_if_never_killed(revival: Revival, rng: np.random.Generator) -> None:
    trained = [copy for copy in revival.copies if (copy / "data" / "prepared.json").exists()]
    assert len(trained) > 3 * POINTS
    assert revival.expected["metrics"][-1]["final"]
    telling = [n for n, copy in enumerate(trained) if list(copy.glob("checkpoints/*.tmp"))]  # not yet in a checkpoint
    ending = [n for n, copy in enumerate(trained) if (copy / "model.npz.tmp").exists()]
    assert len(telling) >= POINTS // 2
    assert ending
    for number in {*rng.choice(telling, POINTS // 2, replace=False), *rng.choice(len(trained), POINTS // 2), *ending}:
        assert_goes_on(revival, trained[number])


@pytest.mark.parametrize("lost", [1, 2])
def test_best_weights_that_are_damaged_or_missing_are_left_out_at_the_end(
    revival: Revival, at_the_end: RunDir, lost: int
) -> None:
    ended = checkpoint.load_state(str(at_the_end.latest_checkpoint()))["ended"]
    best = [Path(at_the_end.best_file(update)) for _, update in ended["best"]]
    assert len(best) == 2
    best[0].write_bytes(best[0].read_bytes()[:-50])
    if lost == 2:
        best[1].unlink()
    revival.go_on(Path(at_the_end.path))
    arrays, state = checkpoint.load_arrays(at_the_end.final_model)
    log = Path(at_the_end.log).read_text(encoding="utf-8")
    assert f"excluded from the final weights: {best[0]}: damaged or truncated" in log
    assert (f"{best[1]}: no such" in log) == (lost == 2)
    kept = at_the_end.latest_checkpoint() if lost == 2 else str(best[1])
    assert state["weights"] == ("last update" if lost == 2 else "best checkpoint that could be read")
    for name, array in checkpoint.load_arrays(str(kept))[0].items():
        if name.startswith("model/"):
            np.testing.assert_array_equal(arrays[name], array)


def test_an_unfinished_run_is_used_without_a_damaged_file_of_its_best_weights(
    revival: Revival, at_the_end: RunDir
) -> None:
    whole = load_weights(at_the_end, revival.task.model)
    Path(whole.path).write_bytes(Path(whole.path).read_bytes()[:-50])
    found = load_weights(at_the_end, revival.task.model)
    assert found.path != whole.path
    assert f"best so far that can be read ({at_the_end.best} contains damaged files: {Path(whole.path).name})" in str(
        found
    )


def test_a_checkpoint_of_an_older_version_is_resumed_and_validates_nothing_twice(
    revival: Revival, at_the_end: RunDir
) -> None:
    path = at_the_end.latest_checkpoint()
    assert path
    arrays, state = checkpoint.load_arrays(path)
    known = ("best", "since_best", "plateau_bad", "plateau_scale")
    standing = {name: (state["ended"] or state["standing"])[name] for name in known}
    checkpoint.save_arrays(path, arrays, {"position": state["position"], "standing": standing})
    revival.go_on(Path(at_the_end.path))
    found = told(Path(at_the_end.path))
    for what in ("weights", "metrics", "events"):
        assert found[what] == revival.expected[what], what


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=["epochs", "updates"])
@pytest.mark.parametrize("task", TASKS)
def test_a_run_killed_at_any_operation_ends_as_if_never_killed(
    task: str, options: dict[str, Any], tmp_path: Path
) -> None:
    revival = Revival(example(task, tmp_path / "text", **options), tmp_path)
    assert len(revival.copies) > 40
    for copy in revival.copies:
        assert_goes_on(revival, copy)
