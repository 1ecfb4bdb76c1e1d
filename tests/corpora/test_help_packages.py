"""Help packages are downloaded once, updating package lists if necessary, and unavailable ones are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq_tf.corpora.help_packages import packaged_languages, unpacked_package
from seq2seq_tf.errors import InputError
from tests import fake_apt


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for language in ("en-US", "de"):
        (tmp_path / "help" / language / "text").mkdir(parents=True)
    for name, value in fake_apt.install(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path / "commands"


def unpacked(folder: Path, language: str, kept: Path | None) -> str:
    temporary = folder / f"tmp_{len(list(folder.iterdir()))}"
    temporary.mkdir()
    pages = unpacked_package(language, temporary, kept)
    assert pages.folder.is_dir()
    return pages.origin


def test_lists_are_updated_once_and_a_stored_package_is_not_downloaded_again(commands: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert unpacked(tmp_path, "de", tmp_path / "debs") == "package libreoffice-help-de, version 1.0"
    calls = [line.split()[-1] for line in (tmp_path / "log").read_text().splitlines()]
    assert calls == ["libreoffice-help-de", "update", "libreoffice-help-de"]


def test_an_unknown_language_is_reported_with_the_nearest(commands: Path, tmp_path: Path) -> None:
    (commands / "apt-get").write_text("#!/bin/sh\nexit 100\n")
    assert packaged_languages(tmp_path) == {"de": "German help"}
    with pytest.raises(InputError, match=r"no package libreoffice-help-dee \(did you mean 'de'\?\)"):
        unpacked(tmp_path, "dee", None)


def test_a_package_that_cannot_be_unpacked_is_reported_with_the_reason(commands: Path, tmp_path: Path) -> None:
    (commands / "dpkg-deb").write_text("#!/bin/sh\necho odd >&2\necho broken archive >&2\nexit 2\n")
    with pytest.raises(InputError, match=r"libreoffice-help-de_1\.0_all\.deb: cannot be unpacked \(broken archive\)"):
        unpacked(tmp_path, "de", tmp_path / "debs")


def test_without_apt_another_corpus_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (lambda: packaged_languages(tmp_path), lambda: unpacked_package("de", tmp_path, None)):
        with pytest.raises(InputError, match="no apt-get and dpkg-deb.*fetch-multi30k"):
            call()
