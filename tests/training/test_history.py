"""metrics.jsonl and TensorBoard have each number once, whatever a killed run recorded beyond its last checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.training.history import History, Reach
from tests.crash_points import shown


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(str(tmp_path / "metrics.jsonl"), str(tmp_path / "tensorboard"))


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_updates_and_validations_beyond_a_checkpoint_are_dropped_and_the_end_too(
    history: History, tmp_path: Path
) -> None:
    said: list[str] = []
    history.cut(Reach(), said.append)  # nothing there yet
    for update in (1, 2, 3, 4):
        history.append({"update": update, "loss": 0.5})
        if update % 2 == 0:
            history.append({"update": update, "valid_loss": 0.25})
    history.append({"update": 4, "final": "best checkpoint", "valid_loss": 0.25})
    with open(tmp_path / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"update": 2, "lo')
    history.cut(Reach(4, 2), said.append)
    assert [(line["update"], "valid_loss" in line) for line in lines(tmp_path)] == [
        (1, False),
        (2, False),
        (2, True),
        (3, False),
        (4, False),
    ]
    assert history.last_validation(4) == 2
    assert history.last_validation(1) == -1
    assert not said


@pytest.mark.parametrize(
    "strange", [b"", b"garbage", b"17", b"[1]", b'{"loss": 1}', b'{"update": "1"}', b"\xff\xfe", b"\0"]
)
def test_a_line_that_is_not_a_record_is_dropped_with_a_note_and_nothing_else_is(
    history: History, tmp_path: Path, strange: bytes
) -> None:
    history.append({"update": 1, "loss": 0.5})
    with open(tmp_path / "metrics.jsonl", "ab") as file:
        file.write(strange + b"\n")
    history.append({"update": 2, "loss": 0.25})
    said: list[str] = []
    history.cut(Reach(9, 9), said.append)
    assert [line["update"] for line in lines(tmp_path)] == [1, 2]
    assert said == [f"{tmp_path / 'metrics.jsonl'}: 1 line dropped: not a training record"]
    history.cut(Reach(9, 9), said.append)
    assert len(said) == 1


def test_numbers_that_json_cannot_represent_become_null(history: History, tmp_path: Path) -> None:
    history.append({"update": 1, "loss": float("inf"), "valid": {"a": [float("nan"), -float("inf"), 1e308]}})
    assert lines(tmp_path) == [{"update": 1, "loss": None, "valid": {"a": [None, None, 1e308]}}]


def test_a_record_that_cannot_be_written_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none/metrics\.jsonl: cannot be written: No such file"):
        History(str(tmp_path / "none" / "metrics.jsonl"), "").append({})


def write_events(folder: Path, first: int, last: int) -> None:
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in range(first, last + 1):
            tf.summary.scalar("train/loss", 0.5, step=step)
            tf.summary.scalar("gradients/first", 0.5, step=step)
            if step % 2 == 0:
                tf.summary.scalar("valid/loss", 0.5, step=step)
                tf.summary.image("attention/0", tf.zeros([1, 2, 3, 3], tf.uint8), step=step)
    writer.close()


def test_events_beyond_a_checkpoint_are_cut_off(history: History, tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    write_events(folder, 1, 5)
    expected = [event for event in shown(folder) if event[1] <= 3]
    history.cut(Reach(3, 2), print)
    assert shown(folder) == expected
    write_events(folder, 4, 4)  # a resumed run writes its own file
    expected += [("train/loss", 4), ("gradients/first", 4)]
    history.cut(Reach(4, 2), print)  # killed between the validation's numbers and its checkpoint
    assert shown(folder) == sorted(expected)
    history.cut(Reach(0, 0), print)
    assert not list(folder.iterdir())


def test_a_half_written_event_is_removed(history: History, tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    write_events(folder, 1, 3)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    before = shown(folder)
    path.write_bytes(content[:-5])
    history.cut(Reach(3, 3), print)
    assert shown(folder) == [event for event in before if event != ("gradients/first", 3)]


def test_a_damaged_event_file_is_truncated_with_a_note(history: History, tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    write_events(folder, 1, 3)
    (path,) = folder.iterdir()
    content = path.read_bytes()
    place = content.rindex(b"gradients/first")
    path.write_bytes(content[: place - 4] + b"\xff" * 30 + content[place + 26 :])
    said: list[str] = []
    history.cut(Reach(3, 3), said.append)
    assert len(said) == 1
    assert said[0].startswith(f"{path}: damaged after ")
    assert ("train/loss", 2) in shown(folder)
    path.write_bytes(b"garbage")
    history.cut(Reach(3, 3), said.append)
    assert not list(folder.iterdir())
