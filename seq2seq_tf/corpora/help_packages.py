"""LibreOffice help pages from Debian and Ubuntu packages: downloaded with apt-get and unpacked, not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from seq2seq_tf.corpora.libreoffice_help import find_pages
from seq2seq_tf.errors import InputError, nearest

_PREFIX = "libreoffice-help-"
_INSTEAD = "use seq2seq-data fetch-multi30k, or your own files with seq2seq-data split"
_NO_APT = f"this machine has no apt-get and dpkg-deb (part of Debian and Ubuntu); {_INSTEAD}"


class Pages(NamedTuple):
    """The unpacked pages of one language and their origin."""

    folder: Path
    origin: str


def unpacked_package(language: str, temporary: Path, kept: Path | None) -> Pages:
    """Downloads and unpacks the help package of one language.

    Args:
      language: language as in the package name: en-us, de, ...
      temporary: folder for the pages and, unless the user is root, for the files of apt.
      kept: folder of packages: one found there is used, a downloaded one is stored there; None for `temporary`.

    Raises:
      InputError: apt is not available, there is no such package, or it cannot be downloaded or unpacked.
    """
    kept = kept or temporary
    package = _PREFIX + language
    debs = sorted(kept.glob(f"{package}_*.deb"))
    if not shutil.which("dpkg-deb") or not (debs or shutil.which("apt-get")):
        raise InputError(_NO_APT)
    if not debs:
        print(f"downloading {package}", flush=True)
        kept.mkdir(parents=True, exist_ok=True)
        _download(language, kept, temporary)
        debs = sorted(kept.glob(f"{package}_*.deb"))
    tree = temporary / language
    for command in (["-x", str(debs[-1]), str(tree)], ["-f", str(debs[-1]), "Version"]):
        done = _run(["dpkg-deb", *command], temporary)
        if done.returncode:
            raise InputError(f"{debs[-1]}: cannot be unpacked ({_last_line(done)})")
    folder = find_pages(tree / "usr/share/libreoffice/help", language)
    return Pages(folder, f"package {package}, version {done.stdout.strip()}")


def _download(language: str, folder: Path, temporary: Path) -> None:
    """Runs `apt-get download`; if it fails, updates the package lists and tries again.

    Raises:
      InputError: there is no such package, or the download failed again.
    """
    for attempt in range(2):
        done = _run(_apt("apt-get", temporary, "download", _PREFIX + language), folder)
        if done.returncode == 0:
            return
        if not attempt:
            _run(_apt("apt-get", temporary, "update"), temporary)
    known = packaged_languages(temporary)
    if language not in known:
        raise InputError(f"no package {_PREFIX}{language}{nearest(language, known)}; --list prints all languages")
    raise InputError(f"apt-get could not download {_PREFIX}{language} ({_last_line(done)}); {_INSTEAD}")


def packaged_languages(temporary: Path) -> dict[str, str]:
    """Returns language -> description of the help packages known to apt; updates the package lists if there are none.

    Raises:
      InputError: apt is not available, or knows no help packages even after the update.
    """
    if not shutil.which("apt-get"):
        raise InputError(_NO_APT)
    for attempt in range(2):
        done = _run(_apt("apt-cache", temporary, "search", "--names-only", f"^{_PREFIX}"), temporary)
        lines = (line.removeprefix(_PREFIX) for line in done.stdout.splitlines() if line.startswith(_PREFIX))
        found = {code: text for code, _, text in (line.partition(" - ") for line in lines) if code != "common"}
        if found:
            return found
        if not attempt:
            _run(_apt("apt-get", temporary, "update"), temporary)
    raise InputError(f"apt knows no packages {_PREFIX}*, even after `apt-get update`; {_INSTEAD}")


def _apt(program_name: str, temporary: Path, *arguments: str) -> list[str]:
    """Returns the command; for users other than root, apt keeps its lists in the temporary folder."""
    if os.geteuid() == 0:
        return [program_name, *arguments]
    for name in ("lists/partial", "cache/archives/partial"):
        (temporary / "apt" / name).mkdir(parents=True, exist_ok=True)
    options = [f"-oDir::State::lists={temporary}/apt/lists", f"-oDir::Cache={temporary}/apt/cache"]
    return [program_name, *options, *arguments]


def _run(command: Iterable[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder and captures its output."""
    return subprocess.run(list(command), cwd=folder, text=True, capture_output=True, check=False)


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Returns the last line printed by a command, preferably on standard error."""
    lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
    return lines[-1]
