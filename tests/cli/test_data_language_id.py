"""seq2seq-data fetch-language-id makes balanced parts without a sentence in common (offline: made-up pages)."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Data = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ["--train=11", "--held_out=3"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    texts = {
        "en-US": [f"Opens the <b>dialog</b> number {n}." for n in range(31)],
        "de": [f"Öffnet den <b>Dialog</b> Nummer {n}." for n in range(23)],
        "pt": [f"Abre a caixa número {n}." for n in range(17)],
        "pt-BR": [f"Abre a janela número {n}." for n in range(19)],
    }
    for language, lines in texts.items():
        path = tmp_path / "help" / language / "text" / "page.html"
        path.parent.mkdir(parents=True)
        marked = "".join(
            f'<p id="p{n}" class="paragraph">{text}</p>' for n, text in enumerate([*lines, "OpenDocument"])
        )
        path.write_text(f'<html><body><div id="DisplayArea">{marked}</div></body></html>', encoding="utf-8")
    return tmp_path / "help"


def test_pages_become_balanced_parts_with_counts_and_readme(data: Data, tmp_path: Path, tree: Path) -> None:
    done = data("fetch-language-id", f"--tree={tree}", "--languages=en-us,de", *SMALL, "--out=o")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "o"
    lines = {(path.parent.name, path.name): path.read_text().splitlines() for path in out.glob("*/*.txt")}
    sizes = {"train": 11, "valid": 3, "test": 3}
    assert {key: len(found) for key, found in lines.items()} == {
        (part, f"{label}.txt"): size for part, size in sizes.items() for label in ("en", "de")
    }
    every = [text for found in lines.values() for text in found]
    assert len(set(every)) == len(every)
    assert "OpenDocument" not in every
    assert all(text.startswith("Opens") for (_, name), found in lines.items() if name == "en.txt" for text in found)
    assert "MPL-2.0" in (out / "README.txt").read_text()
    assert "in several languages" in done.stdout


def test_the_smallest_language_decides_and_variants_keep_their_whole_codes(
    data: Data, tmp_path: Path, tree: Path
) -> None:
    done = data(
        "fetch-language-id", f"--tree={tree}", "--languages=pt,pt-br,de", "--train=99", "--held_out=3", "--out=o"
    )
    assert done.returncode == 0, done.stderr
    found = {path.name: len(path.read_text().splitlines()) for path in (tmp_path / "o" / "train").iterdir()}
    assert found == {"pt.txt": 11, "pt-br.txt": 11, "de.txt": 11}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--languages=en-us"], "at least two different languages, got en-us"),
        (["--languages=de,de"], "at least two different languages, got de,de"),
        (["--languages=de,fr"], "no help pages for 'fr'"),
        (["--languages=de,pt", "--held_out=9"], "pt: 17 sentences are too few to hold out 9 each"),
    ],
)
def test_bad_flags_are_one_line_and_no_output(
    data: Data, tmp_path: Path, tree: Path, flags: list[str], message: str
) -> None:
    done = data("fetch-language-id", f"--tree={tree}", "--out=o", *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_help_shows_an_example_and_tensorflow_is_not_loaded(data: Data) -> None:
    done = data("fetch-language-id", "--help", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert "seq2seq-data fetch-language-id --" in done.stdout
    assert "tensorflow" not in done.stderr
