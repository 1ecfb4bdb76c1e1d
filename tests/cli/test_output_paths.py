"""An output that cannot be written is refused before the work, and checking it changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.errors import InputError


def refusal(path: str, *, folder: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        check_output(path, folder=folder)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: cannot be written: ")
    return str(caught.value)


def test_a_file_in_an_existing_folder_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").write_text("kept")
    monkeypatch.chdir(tmp_path)
    for path in ("new", "old", str(tmp_path / "new"), "./new", "../" + tmp_path.name + "/new"):
        check_output(path)
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "kept"


def test_a_folder_and_its_parents_need_not_exist(tmp_path: Path) -> None:
    check_output(str(tmp_path), folder=True)
    check_output(f"{tmp_path}/a/b/c", folder=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "folder", "word"),
    [
        ("missing/x", False, "no such folder"),
        ("missing/../x", False, "no such folder"),
        ("missing/", False, "no such folder"),
        ("file/x", False, "not a folder"),
        ("file/x/y", True, "not a folder"),
        ("file", True, "not a folder"),
        ("folder", False, "is a folder"),
        ("pipe", False, "not a file on disk"),
        ("n" * 300, False, "too long"),
        ("n" * 253, False, "too long"),  # with the ending of the temporary name
        ("loop", False, "symbolic link"),
        ("a/" * 5000 + "a", True, "too long"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line(tmp_path: Path, path: str, folder: bool, word: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.symlink("loop", tmp_path / "loop")
    assert word in refusal(f"{tmp_path}/{path}", folder=folder)


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the tests may run as root, who has every permission
    assert "no permission" in refusal(f"{tmp_path}/x")
    assert "no permission" in refusal(f"{tmp_path}/a/b", folder=True)


def test_the_name_of_an_open_stream_is_refused() -> None:
    assert "not a file on disk" in refusal("/dev/stdout")
