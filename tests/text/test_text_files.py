"""Folders of text: sorted, filtered, divided by name only, and read strictly."""

from pathlib import Path

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.text_files import TextFiles, find_text_files, held_out, read_text, share_out


def write(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    return root


def test_a_folder_is_searched_in_order_and_excluded_names_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "b.py", "a/z.py", "a/y.txt", ".git/c.py", "a/test/d.py", "a/.e.py", "test.py", "__pycache__/f.py")
    found = find_text_files(str(tmp_path), "*.py", ".*,__pycache__, test")
    assert found == TextFiles(str(tmp_path), ("a/z.py", "b.py", "test.py"))
    assert [read_text(path) for path in found.paths()] == list(found.names)
    assert len(find_text_files(str(tmp_path), "*", "").names) == 8


def test_a_single_file_is_accepted_whatever_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, ".x") / ".x"
    assert find_text_files(str(path), "*.py", ".*").paths() == [str(path)]


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: no such file or folder"):
        find_text_files(str(tmp_path / "none"), "*", "")
    write(tmp_path, "a.txt")
    with pytest.raises(InputError, match=r"no files match '\*\.py'"):
        find_text_files(str(tmp_path), "*.py", "")


def test_a_file_stays_in_its_part_whatever_other_files_there_are() -> None:
    names = tuple(f"m{n}.py" for n in range(2000))
    parts = share_out(TextFiles("x", names), 0.2, 0.1)
    assert sorted(name for part in parts.values() for name in part.names) == sorted(names)
    assert len(parts["valid"].names) == pytest.approx(400, abs=60)
    assert len(parts["test"].names) == pytest.approx(200, abs=50)
    fewer = share_out(TextFiles("y", names[::3]), 0.2, 0.1)
    for part, files in fewer.items():
        assert set(files.names) <= set(parts[part].names)
    assert held_out("m1.py", 0.0, 0.0) == "train"


def test_a_larger_valid_part_does_not_change_the_test_part() -> None:
    names = TextFiles("x", tuple(f"m{n}.py" for n in range(200)))
    assert share_out(names, 0.1, 0.2)["test"] == share_out(names, 0.4, 0.2)["test"]


def test_text_is_read_strictly_with_uniform_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntw\xc3\xb6\rx\n")
    assert read_text(str(path)) == "one\ntw\u00f6\rx\n"
    path.write_bytes(b"fine\n\nx\xff\n")
    with pytest.raises(InputError, match=r"a:3: invalid UTF-8 \(byte 0xff at column 2\)"):
        read_text(str(path))
    with pytest.raises(InputError, match="cannot be read"):
        read_text(str(tmp_path))
