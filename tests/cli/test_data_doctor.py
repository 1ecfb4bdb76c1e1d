"""seq2seq-data doctor prints what is wrong; its exit code tells errors from warnings."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Data = Callable[..., subprocess.CompletedProcess[str]]
LANGUAGES = ["--source_lang=en", "--target_lang=de"]


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_bytes(text.encode("latin-1"))


def test_a_sound_corpus_gives_exit_code_0(data: Data, tmp_path: Path) -> None:
    write(tmp_path, train_en="one\n", train_de="eins\n", valid_en="two\n", valid_de="zwei\n")
    done = data("doctor", *LANGUAGES, f"--data={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert "kinds of errors: 0, kinds of warnings: 0" in done.stdout


def test_warnings_alone_give_exit_code_0(data: Data, tmp_path: Path) -> None:
    write(tmp_path, train_en="one\n\n", train_de="eins\n\n")
    done = data("doctor", *LANGUAGES, "--train=train")
    assert done.returncode == 0, done.stderr
    assert "train.en:2" in done.stdout
    assert "kinds of errors: 0, kinds of warnings: 1" in done.stdout


def test_errors_give_exit_code_1_and_their_places(data: Data, tmp_path: Path) -> None:
    write(tmp_path, train_en="one\nb\xe4d\n", train_de="eins\nzwei\n", test_en="One!\n", test_de="EINS\n")
    done = data("doctor", *LANGUAGES, "--train=train", "--test=test")
    assert done.returncode == 1
    assert "train.en:2 (byte 0xe4 at column 2)" in done.stdout
    assert "test.en:1 (= train.en:1): One!" in done.stdout
    assert done.stdout.count("  remedy: ") == 2
    assert "kinds of errors: 2, kinds of warnings: 0" in done.stdout


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--train=missing"], "missing.en: no such file"),
        (["--data=missing"], "missing: no such folder"),
        ([], "either --data or some of --train, --valid, --test"),
        (["--data=a", "--train=b"], "either --data or some of"),
        (["--data=a", "--target_lang=en"], "--source_lang and --target_lang are both 'en'"),
        (["--trian=b"], "unknown flag --trian (did you mean --train?)"),
        (["--train=a", "train"], "unexpected argument 'train'"),
    ],
)
def test_wrong_flags_give_exit_code_2_and_one_line(data: Data, flags: list[str], message: str) -> None:
    done = data("doctor", *LANGUAGES, *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["doctor", "split", "fetch-multi30k", "fetch-help"])
def test_help_shows_an_example_and_tensorflow_is_not_loaded(data: Data, name: str) -> None:
    done = data(name, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert f"seq2seq-data {name} --" in done.stdout
    assert "tensorflow" not in done.stderr
    assert "seq2seq_tf.text.lines" in done.stderr


def test_a_table_is_read_as_the_splitter_reads_it_and_its_rows_are_named(data: Data, tmp_path: Path) -> None:
    rows = ["id,English,German", '1,"one, ""two""","eins, ""zwei"""', "2,three,drei", "3,same,same", "4,,vier"]
    (tmp_path / "sheet.csv").write_text("\n".join(rows) + "\n")
    done = data("doctor", *LANGUAGES, "--csv=sheet.csv")
    assert done.returncode == 0, done.stderr
    assert "sheet.csv: columns 2 and 3, comma between columns, quoted fields, the first row (id, " in done.stdout
    assert "sheet.csv column 2:3: same\n" in done.stdout
    assert "sheet.csv column 2:4:  | vier\n" in done.stdout
    assert "kinds of errors: 0, kinds of warnings: 2" in done.stdout
