"""seq2seq-data fetch-multi30k copies or downloads the six files, or nothing."""

import contextlib
import functools
import gzip
import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Data = Callable[..., subprocess.CompletedProcess[str]]


def write_files(folder: Path, languages: tuple[str, str], zipped: bool) -> None:
    folder.mkdir()
    for part in ("train", "val", "test_2016_flickr"):
        for language in languages:
            text = f"{part} {language} eins\n{part} {language} zwei\n".encode()
            name = f"{part}.{language}{'.gz' if zipped else ''}"
            (folder / name).write_bytes(gzip.compress(text) if zipped else text)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_is_copied_and_other_text_than_the_published_is_said(data: Data, tmp_path: Path, zipped: bool) -> None:
    write_files(tmp_path / "mine", ("de", "en"), zipped)
    done = data("fetch-multi30k", "--from_folder=mine", "--out=o")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("differs from the published text") == 6
    parts = ("test", "test_2016_flickr", "train", "valid")
    names = [f"{part}.{language}" for part in parts for language in ("de", "en")]
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["README.txt", *names]
    assert (tmp_path / "o" / "valid.de").read_text() == "val de eins\nval de zwei\n"
    assert (tmp_path / "o" / "test.en").read_bytes() == (tmp_path / "o" / "test_2016_flickr.en").read_bytes()


def test_a_missing_file_is_named_and_nothing_written(data: Data, tmp_path: Path) -> None:
    write_files(tmp_path / "mine", ("de", "en"), zipped=False)
    (tmp_path / "mine" / "val.en").unlink()
    done = data("fetch-multi30k", "--from_folder=mine", "--out=o")
    assert done.returncode == 2
    assert "mine/valid.en: no such file (nor valid.en.gz, val.en, val.en.gz)" in done.stderr
    assert not (tmp_path / "o").exists()


def test_a_language_without_checksums_is_downloaded(data: Data, tmp_path: Path) -> None:
    write_files(tmp_path / "published", ("fr", "cs"), zipped=True)
    with served(tmp_path / "published") as url:
        done = data("fetch-multi30k", "--source=fr", "--target=cs", f"--base_url={url}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no checksum known") == 6
    assert (tmp_path / "data" / "multi30k_fr_cs" / "train.cs").read_text() == "train cs eins\ntrain cs zwei\n"


def test_a_download_with_a_wrong_checksum_is_refused(data: Data, tmp_path: Path) -> None:
    write_files(tmp_path / "published", ("de", "en"), zipped=True)
    with served(tmp_path / "published") as url:
        done = data("fetch-multi30k", f"--base_url={url}", "--out=o")
    assert done.returncode == 2
    assert "train.de.gz is not the published text" in done.stderr
    assert not (tmp_path / "o").exists()


def test_without_network_one_line_says_what_to_do(data: Data, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with served(tmp_path / "empty") as url:
        missing = data("fetch-multi30k", f"--base_url={url}", "--out=o")
    gone = data("fetch-multi30k", f"--base_url={url}", "--out=o")
    for done in (missing, gone):
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert f"{url}/train.de.gz: cannot be downloaded" in done.stderr
        assert "--from_folder" in done.stderr
    assert not (tmp_path / "o").exists()
