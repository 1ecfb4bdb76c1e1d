"""seq2seq-data fetch-help makes a corpus from help pages (here a made-up tree and a made-up apt)."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import fake_apt

Data = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ["--valid=3", "--test=5"]


def write_page(path: Path, texts: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    body = "".join(f'<p id="par_{number}" class="paragraph">{text}</p>' for number, text in enumerate(texts))
    path.write_text(f'<html><body><div id="DisplayArea">{body}</div></body></html>', encoding="utf-8")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    english = [f"Opens the <b>dialog</b> number {i} here. Click it {i} times." for i in range(40)]
    german = [f"Öffnet den <b>Dialog</b> Nummer {i} hier. Klicken Sie ihn {i}-mal." for i in range(40)]
    folder = tmp_path / "help"
    write_page(folder / "en-US/text/calc/page.html", [*english, "LibreOffice", "42", english[0]])
    write_page(folder / "de/text/calc/page.html", [*german, "LibreOffice", "42", german[0]])
    write_page(folder / "en-US/text/only_english.html", ["Not translated."])
    return folder


def test_pages_become_a_corpus_with_counts_and_readme(data: Data, tmp_path: Path, tree: Path) -> None:
    done = data("fetch-help", f"--tree={tree}", *SMALL)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "data" / "libreoffice_en_de"
    lines = {path.name: path.read_text().splitlines() for path in out.iterdir()}
    assert {name: len(text) for name, text in lines.items() if name != "README.txt"} == {
        **{"train.en": 72, "train.de": 72},
        **{"valid.en": 3, "valid.de": 3, "test.en": 5, "test.de": 5},
    }
    parts = ("train", "valid", "test")
    pairs = {pair for part in parts for pair in zip(lines[f"{part}.en"], lines[f"{part}.de"], strict=True)}
    assert ("Opens the dialog number 7 here.", "Öffnet den Dialog Nummer 7 hier.") in pairs
    assert ("Click it 7 times.", "Klicken Sie ihn 7-mal.") in pairs
    assert "both sides are the same" in done.stdout
    assert "MPL-2.0" in "".join(lines["README.txt"])


def test_a_language_that_is_not_there_is_named(data: Data, tree: Path) -> None:
    done = data("fetch-help", f"--tree={tree}", "--target=fr")
    assert done.returncode == 2
    assert "no help pages for 'fr'" in done.stderr


def test_variants_of_one_language_keep_their_whole_codes(data: Data, tmp_path: Path, tree: Path) -> None:
    (tree / "de").rename(tree / "en-GB")
    done = data("fetch-help", f"--tree={tree}", "--target=en-gb", *SMALL)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "libreoffice_en-us_en-gb" / "train.en-gb").exists()


def test_without_apt_one_line_says_what_to_do_instead(data: Data, tmp_path: Path) -> None:
    for flags in ([], ["--list"]):
        done = data("fetch-help", *flags, PATH=str(tmp_path))
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "no apt-get and dpkg-deb" in done.stderr
        assert "fetch-multi30k" in done.stderr


@pytest.fixture
def apt(tmp_path: Path) -> dict[str, str]:
    return fake_apt.install(tmp_path)


def test_lists_are_updated_when_a_download_fails_and_packages_are_kept(
    data: Data, tmp_path: Path, tree: Path, apt: dict[str, str]
) -> None:
    for _ in range(2):
        done = data("fetch-help", "--package_dir=debs", *SMALL, **apt)
        assert done.returncode == 0, done.stderr
    calls = [line.split()[-2:] for line in (tmp_path / "log").read_text().splitlines()]
    assert [call[-1].removeprefix("libreoffice-help-") for call in calls] == [
        "en-us",
        "update",
        "en-us",
        "de",
    ]
    assert len(list((tmp_path / "debs").glob("*.deb"))) == 2
    assert "version 1.0" in (tmp_path / "data" / "libreoffice_en_de" / "README.txt").read_text()


def test_languages_are_listed(data: Data, apt: dict[str, str]) -> None:
    done = data("fetch-help", "--list", **apt)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2:] == ["de        German help"]
