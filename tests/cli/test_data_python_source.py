"""The standard library as text: what is taken, what is left out, and that a second Python holds out the same files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from seq2seq_tf.text.text_files import held_out

Data = Callable[..., "subprocess.CompletedProcess[str]"]
NAME = "collect-python-source"


def write_library(folder: Path) -> Path:
    for n in range(60):
        path = folder / f"p{n % 4}" / f"m{n}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"x = {n}\n", encoding="utf-8")
    for left_out in ("test/t.py", "p1/tests/t.py", "idlelib/idle_test/t.py", "site-packages/s.py", "__pycache__/c.py"):
        (folder / left_out).parent.mkdir(parents=True, exist_ok=True)
        (folder / left_out).write_text("left out", encoding="utf-8")
    (folder / "latin.py").write_bytes(b"# caf\xe9\n")
    (folder / "empty.py").write_bytes(b"")
    (folder / "data.txt").write_text("left out", encoding="utf-8")
    return folder


def test_files_are_copied_into_the_parts_that_their_names_give(data: Data, tmp_path: Path) -> None:
    library = write_library(tmp_path / "lib")
    shares = ("--valid_share=0.2", "--test_share=0.2")
    done = data(NAME, f"--stdlib={library}", "--out=out", *shares)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 files skipped: not UTF-8" in done.stdout
    copied = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*.py")}
    wanted = {f"p{n % 4}/m{n}.py" for n in range(60)}
    assert set(copied) == {f"{held_out(name, 0.2, 0.2)}/{name}" for name in wanted}
    for name, path in copied.items():
        assert path.read_bytes() == (library / name.partition("/")[2]).read_bytes()
    for part in ("train", "valid", "test"):
        count = sum(name.startswith(f"{part}/") for name in copied)
        assert f"{part:<5}  {count:>5}" in done.stdout
        assert f"{part:<5}  {count:>5}" in (tmp_path / "out" / "README.txt").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lib", "out"]

    again = data(NAME, f"--stdlib={library}", "--out=out")
    assert again.returncode == 2
    assert again.stderr == "error: out: already exists; delete it or choose another --out\n"


def test_a_full_disk_leaves_nothing_behind(data: Data, tmp_path: Path) -> None:
    library = write_library(tmp_path / "lib")
    (library / "large.py").write_text("x = 1\n" * 2000, encoding="utf-8")
    done = data(NAME, f"--stdlib={library}", "--out=out", full_disk=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lib"]


def test_a_folder_without_python_files_is_named(data: Data, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = data(NAME, "--stdlib=none", "--out=out")
    assert (done.returncode, done.stderr) == (2, "error: none: no files match '*.py' in this folder\n")
