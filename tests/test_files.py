"""Small files are written atomically."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write_texts, replace_folder, to_json, write_bytes, write_text
from tests.toy import ROOT


def test_bytes_and_text_are_written_unchanged(tmp_path: Path) -> None:
    write_bytes(str(tmp_path / "a"), b"\x00\r\n\xff")
    write_text(str(tmp_path / "b"), "ü\r\n\n")
    assert (tmp_path / "a").read_bytes() == b"\x00\r\n\xff"
    assert (tmp_path / "b").read_bytes() == "ü\r\n\n".encode()


def test_a_full_disk_keeps_the_previous_file_and_leaves_nothing_else(
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


def test_numbers_that_are_not_finite_become_null_in_json() -> None:
    value = {"a": [float("nan"), 1.5], "b": {"c": (float("inf"), -float("inf"))}, "d": "NaN", "e": None, "f": 7}
    assert to_json(value) == '{"a": [null, 1.5], "b": {"c": [null, null]}, "d": "NaN", "e": null, "f": 7}'


def test_written_files_appear_together_when_the_block_ends(tmp_path: Path) -> None:
    paths = [tmp_path / "new" / name for name in ("a", "b")]
    with atomic_write_texts(paths) as files:
        for file in files:
            file.write("é\u2028\n")
        assert not any(path.exists() for path in paths)
    assert [path.read_bytes() for path in paths] == ["é\u2028\n".encode()] * 2
    assert sorted(paths[0].parent.iterdir()) == paths


def test_a_failing_block_leaves_the_old_files_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(TypeError), atomic_write_texts([path, tmp_path / "b"]) as files:
        files[0].write("new") + "x"  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="file.*cannot be written"),
        atomic_write_texts([tmp_path / "file" / "train.en"]),
    ):
        pass


def test_a_failed_write_names_the_file_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "b.tmp").mkdir()
    with (
        pytest.raises(InputError, match=f"^{tmp_path / 'b'}: cannot be written"),
        atomic_write_texts([tmp_path / "a", tmp_path / "b"]),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["b.tmp"]


def test_a_folder_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "x").touch()
    replace_folder(str(tmp_path / "begun"), str(tmp_path / "done"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["done", "x"]


_MOVES = {"os.replace", "os.rename", "os.renames", "shutil.move"}
_ELSEWHERE = {"benchmarks/peers/prepare_pieces.py"}  # runs in the environments of other toolkits, without this package


def test_only_the_files_module_renames_files() -> None:
    found = set()
    for folder in ("seq2seq_tf", "data_scripts", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = ast.unparse(node.func)
                of_a_path = name.endswith(".rename") or (
                    name.endswith(".replace") and len(node.args) == 1 and not node.keywords
                )
                if name in _MOVES or of_a_path:
                    found.add(path.relative_to(ROOT).as_posix())
    assert found - _ELSEWHERE == {"seq2seq_tf/files.py"}
