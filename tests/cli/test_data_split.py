"""seq2seq-data split divides files and TSV, all or nothing."""

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Data = Callable[..., subprocess.CompletedProcess[str]]
PARTS = ("train", "valid", "test")
LANGUAGES = ["--source_lang=en", "--target_lang=de"]


def write_corpus(folder: Path, count: int) -> list[tuple[str, str]]:
    pairs = [(f"sentence number {i}", f"Satz Nummer {i}") for i in range(count)]
    for side, name in enumerate(("all.en", "all.de")):
        (folder / name).write_text("".join(f"{pair[side]}\n" for pair in pairs))
    return pairs


def read(folder: Path, part: str) -> list[tuple[str, str]]:
    sides = [(folder / f"{part}.{language}").read_text().splitlines() for language in ("en", "de")]
    return list(zip(*sides, strict=True))


def test_files_are_divided_and_every_pair_is_kept_once(data: Data, tmp_path: Path) -> None:
    pairs = write_corpus(tmp_path, 101)
    done = data(
        "split",
        *["--source_file=all.en", "--target_file=all.de", *LANGUAGES, "--valid=7", "--test=11", "--out=o"],
    )
    assert done.returncode == 0, done.stderr
    parts = {part: read(tmp_path / "o", part) for part in ("train", "valid", "test")}
    assert [len(part) for part in parts.values()] == [83, 7, 11]
    assert sorted(sum(parts.values(), [])) == sorted(pairs)
    assert "101" in done.stdout
    assert "--seed=1" in (tmp_path / "o" / "README.txt").read_text()


def test_tsv_and_files_give_the_same_parts_and_another_seed_others(data: Data, tmp_path: Path) -> None:
    pairs = write_corpus(tmp_path, 101)
    with gzip.open(tmp_path / "all.tsv.gz", "wt") as file:
        file.writelines(f"{source}\t{target}\tsome source\n" for source, target in pairs)
    sizes = ["--valid=7", "--test=11", *LANGUAGES]
    data("split", "--source_file=all.en", "--target_file=all.de", "--out=a", *sizes)
    data("split", "--tsv=all.tsv.gz", "--out=b", *sizes)
    data("split", "--tsv=all.tsv.gz", "--out=c", "--seed=2", *sizes)
    assert read(tmp_path / "a", "test") == read(tmp_path / "b", "test")
    assert read(tmp_path / "a", "train") == read(tmp_path / "b", "train")
    assert read(tmp_path / "a", "test") != read(tmp_path / "c", "test")


def test_what_is_skipped_is_counted(data: Data, tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("one\teins\none\teins\ntwo\t\nsame\tSame.\nthree\tdrei\nfour\tvier\n5\t5\n")
    done = data("split", "--tsv=x.tsv", *LANGUAGES, "--valid=1", "--test=1", "--out=o")
    assert done.returncode == 0, done.stderr
    rows = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines() if line[-1:].isdigit())
    assert rows == {
        "read": "7",
        "skipped: duplicate pair": "1",
        "skipped: a side is empty": "1",
        "skipped: both sides are the same": "1",
        "skipped: a side has no letters": "1",
        "kept": "3",
        "train": "1",
        "valid": "1",
        "test": "1",
    }


def write_invalid(folder: Path) -> None:
    write_corpus(folder, 31)
    (folder / "all.de").write_bytes(b"gut\n" * 20 + b"\xff\n" + b"gut\n" * 10)


def write_shorter(folder: Path) -> None:
    write_corpus(folder, 31)
    (folder / "all.de").write_text("kurz\n")


@pytest.mark.parametrize(
    ("make", "flags", "message"),
    [
        (write_invalid, [], "all.de:21: invalid UTF-8 (byte 0xff at column 1)"),
        (write_shorter, [], "all.en has 31 lines but all.de has 1 lines"),
        (lambda folder: None, [], "all.en: no such file"),
        (lambda folder: write_corpus(folder, 31), ["--valid=100"], "31 pairs are too few for 100 in valid"),
        (lambda folder: write_corpus(folder, 31), ["--tsv=all.en"], "either --tsv or --csv, or both"),
        (lambda folder: write_corpus(folder, 31), ["--target_lang=en"], "are both 'en'"),
        (lambda folder: write_corpus(folder, 31), ["--max_ratio=0.5"], "at least 1"),
        (lambda folder: write_corpus(folder, 31), ["--vaild=3"], "unknown flag --vaild (did you mean --valid?)"),
    ],
)
def test_bad_input_is_one_line_exit_code_2_and_no_output(
    data: Data, tmp_path: Path, make: Callable[[Path], None], flags: list[str], message: str
) -> None:
    make(tmp_path)
    usual = ["--source_file=all.en", "--target_file=all.de", *LANGUAGES, "--valid=3", "--test=3", "--out=o"]
    done = data("split", *usual, *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_a_full_disk_leaves_nothing_half(data: Data, tmp_path: Path) -> None:
    write_corpus(tmp_path, 1009)
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "train.en").write_text("old\n")
    done = data(
        "split",
        *["--source_file=all.en", "--target_file=all.de", *LANGUAGES, "--valid=3", "--test=3", "--out=o"],
        full_disk=True,
    )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["train.en"]
    assert (tmp_path / "o" / "train.en").read_text() == "old\n"


def test_an_input_is_not_overwritten(data: Data, tmp_path: Path) -> None:
    write_corpus(tmp_path, 31)
    (tmp_path / "all.en").rename(tmp_path / "train.en")
    done = data(
        "split",
        *["--source_file=train.en", "--target_file=all.de", *LANGUAGES, "--valid=3", "--test=3", "--out=."],
    )
    assert done.returncode == 2
    assert "train.en: would be overwritten" in done.stderr
    assert len((tmp_path / "train.en").read_text().splitlines()) == 31


def test_a_spreadsheet_is_read_and_what_was_recognised_is_said(data: Data, tmp_path: Path) -> None:
    rows = "".join(f'"Number {n}; ""so""";"Nummer {n}\n""so"""\r\n' for n in range(31))
    (tmp_path / "sheet.csv").write_text("English;German\r\n" + rows, newline="")
    done = data("split", "--csv=sheet.csv", *LANGUAGES, "--valid=3", "--test=3", "--out=new/folder")
    assert done.returncode == 0, done.stderr
    header = "the first row (English, German) is its header"
    said = f"sheet.csv: columns 1 and 2, semicolon between columns, quoted fields, {header}"
    assert f"{said}; line ends or tabs in 31 pairs became spaces" in done.stdout
    assert ('Number 7; "so"', 'Nummer 7 "so"') in sum((read(tmp_path / "new" / "folder", p) for p in PARTS), [])
    assert said in (tmp_path / "new" / "folder" / "README.txt").read_text()


def test_outputs_are_tried_before_the_work_and_the_home_folder_is_known(data: Data, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "home").mkdir()
    done = data("split", "--tsv=missing.tsv", *LANGUAGES, "--out=file/x")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "file/x: cannot be written: not a folder" in done.stderr
    done = data("split", "--tsv=~/missing.tsv", *LANGUAGES, "--out=~/x", HOME=str(tmp_path / "home"))
    assert f"{tmp_path}/home/missing.tsv: no such file" in done.stderr
