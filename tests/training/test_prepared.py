"""Prepared data and held-out text must be unchanged when they are read, in every task."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from tests.every_task import TASKS, Example, example, prepare

# Captioning draws its scenes as needed; forecasting reads its series at each start.
WITH_DATA = [task for task in TASKS if task not in ("captioning", "forecasting")]


@pytest.fixture(scope="module", params=WITH_DATA)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Example, Path]:
    """Returns a task and a run folder with its prepared data."""
    folder = tmp_path_factory.mktemp(request.param)
    made = example(request.param, folder / "text")
    prepare(made, folder / "run")
    return made, folder / "run"


@pytest.fixture
def run(found: tuple[Example, Path], tmp_path: Path) -> Path:
    """Returns a copy of that run folder, to be damaged."""
    return shutil.copytree(found[1], tmp_path / "run")


@pytest.fixture
def restored(found: tuple[Example, Path]) -> Iterator[None]:
    """Restores the held-out files after the test."""
    before = {path: path.read_bytes() for path in found[0].valid}
    yield
    for path, content in before.items():
        path.write_bytes(content)


def with_weights(folder: Path) -> None:
    checkpoint.save_arrays(RunDir(str(folder)).checkpoint_file(3), {}, {})


def test_a_flipped_bit_or_a_truncation_gives_one_line_that_names_the_file(
    found: tuple[Example, Path], run: Path, rng: np.random.Generator
) -> None:
    files = [path for path in sorted((run / "data").iterdir()) if path.name != "prepared.json"]
    assert len(files) >= 2
    for path in files:
        content = path.read_bytes()
        flipped = bytearray(content)
        place = int(rng.integers(len(content)))
        flipped[place] ^= 1 << int(rng.integers(8))
        for damaged in (bytes(flipped), content[:-1], bytes(len(content)), None):
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            with pytest.raises(InputError) as caught:
                prepare(found[0], run)
            assert str(caught.value).startswith(f"{path}: ")
            assert f"delete the folder {run / 'data'} and start again" in str(caught.value)
            path.write_bytes(content)
    prepare(found[0], run)


def test_ids_without_checksums_are_loaded_as_before_but_not_with_a_part_missing(
    found: tuple[Example, Path], run: Path
) -> None:
    (run / "checksums.json").unlink()
    prepare(found[0], run)
    ids = next(path for path in sorted((run / "data").iterdir()) if ".ids" in path.name)
    content = ids.read_bytes()
    for rest in (content[:-1], content[:-4], b""):
        ids.write_bytes(rest)
        with pytest.raises(InputError, match=f"{ids}: .*delete the folder"):
            prepare(found[0], run)


def test_data_prepared_again_in_a_run_with_weights_but_without_checksums_are_reported(
    found: tuple[Example, Path], run: Path
) -> None:
    shutil.rmtree(run / "data")
    (run / "checksums.json").unlink()
    with_weights(run)
    said: list[str] = []
    prepare(found[0], run, said.append)
    assert [line for line in said if line.startswith(f"note: {run / 'data'} is prepared again; without checksums")]


def test_held_out_text_that_changes_under_a_run_with_weights_is_refused(
    found: tuple[Example, Path], run: Path, restored: None
) -> None:
    for path in found[0].valid:
        content = path.read_text(encoding="utf-8")
        path.write_text("ba be\n" + content.partition("\n")[2], encoding="utf-8")
        prepare(found[0], run)  # nothing was validated on the old text
        with_weights(run)
        prepare(found[0], run)
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"data\.valid\w*: this text has changed since the run in .*run began"):
            prepare(found[0], run)
        shutil.rmtree(run / "checkpoints")


def test_training_text_that_changes_after_it_was_prepared_is_reported(found: tuple[Example, Path], run: Path) -> None:
    data = vars(found[0].config)["data"]
    text = Path(next(value for name, value in vars(data).items() if name.startswith("train")))
    before = {path: path.read_bytes() for path in (text.rglob("*") if text.is_dir() else [text]) if path.is_file()}
    for path, content in before.items():
        path.write_bytes(content + b"ba\n")
    said: list[str] = []
    prepare(found[0], run, said.append)
    for path, content in before.items():
        path.write_bytes(content)
    assert any(line.startswith("note: the text of data.train") for line in said)
