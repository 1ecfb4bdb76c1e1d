"""seq2seq-inspect as a user starts it: one PNG per text."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from seq2seq_tf.translator import Translator
from tests.trained import Call, Ended, assert_one_error_line, run_program, run_programs

PNG = b"\x89PNG\r\n\x1a\n"


class Inspected(NamedTuple):
    """Every slow start of this file, and the folder with what they wrote."""

    ended: dict[str, Ended]
    folder: Path


@pytest.fixture(scope="module")
def inspected(toy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Inspected:
    folder = tmp_path_factory.mktemp("inspect")
    model = f"--model_dir={toy_run}"
    two = ["--text=ka be du", "--text=lo", f"--out={folder / 'two.png'}"]
    calls = {
        "two": Call("inspect", [model, *two]),
        "piped": Call("inspect", [model, f"--out={folder / 'one.png'}", "--beam_size=1"], b"\nka be\r\n  \n"),
        "no text": Call("inspect", [model], b"\n"),
        "no folder": Call("inspect", [model, "--text=ka", f"--out={folder / 'missing' / 'x.png'}"]),
    }
    return Inspected(run_programs(calls), folder)


def test_several_texts_give_numbered_pictures(inspected: Inspected, translator: Translator) -> None:
    paths = [inspected.folder / f"two_{n}.png" for n in (1, 2)]
    texts = [h.text for h in translator.translate(["ka be du", "lo"])]
    assert inspected.ended["two"].code == 0
    assert inspected.ended["two"].stdout.splitlines() == [f"{p}: {t}" for p, t in zip(paths, texts, strict=True)]
    pictures = [path.read_bytes() for path in paths]
    assert all(picture.startswith(PNG) for picture in pictures)
    assert pictures[0] != pictures[1]


def test_one_line_on_standard_input_gives_one_picture_of_that_name(inspected: Inspected) -> None:
    assert inspected.ended["piped"].code == 0
    assert (inspected.folder / "one.png").read_bytes().startswith(PNG)
    assert sorted(path.name for path in inspected.folder.iterdir()) == ["one.png", "two_1.png", "two_2.png"]


@pytest.mark.parametrize(("name", "words"), [("no text", ["--text"]), ("no folder", ["missing", "cannot be written"])])
def test_bad_input_is_one_line_and_exit_code_2(inspected: Inspected, name: str, words: list[str]) -> None:
    assert_one_error_line(inspected.ended[name], *words)


def test_a_model_must_be_named() -> None:
    assert_one_error_line(run_program(Call("inspect", ["--text=ka"])), "--model_dir")
