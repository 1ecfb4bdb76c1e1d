"""Small files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json, write_bytes, write_text


def test_bytes_and_text_are_written_as_they_are(tmp_path: Path) -> None:
    write_bytes(str(tmp_path / "a"), b"\x00\r\n\xff")
    write_text(str(tmp_path / "b"), "ü\r\n\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\r\n\xff"
    assert (tmp_path / "b").read_bytes() == "ü\r\n\n".encode()


def test_a_full_disk_keeps_the_file_before_and_leaves_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="picture.png: cannot be written: No space left on device"):
        write_bytes(str(path), b"after")
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["picture.png"]


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "missing" / "x"):
        with pytest.raises(InputError, match=f"{path}: cannot be written"):
            write_bytes(str(path), b"")
    assert os.listdir(tmp_path) == ["folder"]


def test_what_is_not_a_finite_number_becomes_null_in_json() -> None:
    value = {"a": [float("nan"), 1.5], "b": {"c": (float("inf"), -float("inf"))}, "d": "NaN", "e": None, "f": 7}
    assert to_json(value) == '{"a": [null, 1.5], "b": {"c": [null, null]}, "d": "NaN", "e": null, "f": 7}'
