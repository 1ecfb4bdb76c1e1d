"""Makes a parallel corpus from the help pages of LibreOffice, as packaged by Debian and Ubuntu.

About 40,000 sentence pairs of technical text for English and any of about 30 languages, under MPL-2.0. The
two packages are downloaded with apt-get and unpacked into a temporary folder; nothing is installed and root
is not needed. Pages pair by their path, paragraphs by their id, sentences where both sides have as many.

  python data_scripts/fetch_libreoffice_help.py --target=de --out=data/libreoffice_en_de
  python data_scripts/fetch_libreoffice_help.py --list

Writes OUT/{train,valid,test}.{en,de} and OUT/README.txt. No sentence of valid or test stands in train.
"""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from absl import flags

from seq2seq_tf.bin import program
from seq2seq_tf.data.clean import PairFilter, character_ratio
from seq2seq_tf.data.libreoffice_help import find_pages, paragraph_pairs, sentence_pairs
from seq2seq_tf.data.pairs import Pair, write_corpus
from seq2seq_tf.data.sentences import count_words
from seq2seq_tf.data.split import Split, split_pairs
from seq2seq_tf.data.tables import format_table
from seq2seq_tf.errors import InputError, nearest

_SOURCE = flags.DEFINE_string("source", "en-us", "Language of the sources, as in the package name (see --list).")
_TARGET = flags.DEFINE_string("target", "de", "Language of the targets, as in the package name (see --list).")
_OUT = flags.DEFINE_string("out", None, "Folder to write; if not given, data/libreoffice_SOURCE_TARGET.")
_VALID = flags.DEFINE_integer("valid", 1000, "Pairs to hold out for validation.", lower_bound=0)
_TEST = flags.DEFINE_integer("test", 1000, "Pairs to hold out for the test.", lower_bound=0)
_SEED = flags.DEFINE_integer("seed", 1, "Another seed holds out other pairs.")
_MAX_WORDS = flags.DEFINE_integer("max_words", 100, "Skip pairs with a longer side (0: none).", lower_bound=0)
_MAX_RATIO = flags.DEFINE_float(
    "max_ratio",
    3.0,
    "Skip pairs that are so many times longer or shorter than the corpus' own ratio (0: none).",
)
_PACKAGE_DIR = flags.DEFINE_string("package_dir", None, "Folder that keeps the .deb files; any there are used.")
_TREE = flags.DEFINE_string("tree", None, "Folder with LANGUAGE/text/**/*.html already unpacked; apt is not used.")
_LIST = flags.DEFINE_bool("list", False, "Print the packaged languages and stop.")

PREFIX = "libreoffice-help-"
HELD_OUT_WORDS = range(3, 61)
INSTEAD = "use data_scripts/fetch_multi30k.py, or your own files with data_scripts/split_corpus.py"
NO_APT = f"this machine has no apt-get and dpkg-deb (they come with Debian and Ubuntu); {INSTEAD}"


class Pages(NamedTuple):
    """The unpacked pages of one language, and where they come from."""

    folder: Path
    origin: str


def main() -> int:
    """Prints the languages, or makes the corpus."""
    with tempfile.TemporaryDirectory(prefix="libreoffice_help_") as temporary:
        if _LIST.value:
            languages = packaged_languages(Path(temporary))
            print(format_table(["language", "package"], sorted(languages.items())))
            return 0
        codes = _SOURCE.value.lower(), _TARGET.value.lower()
        if codes[0] == codes[1]:
            raise InputError(f"--source and --target are both {codes[0]!r}")
        if _TREE.value:
            pages = [Pages(find_pages(Path(_TREE.value), code), _TREE.value) for code in codes]
        else:
            pages = [unpacked_package(code, Path(temporary)) for code in codes]
        make_corpus(pages, short_codes(*codes))
    return 0


def short_codes(source: str, target: str) -> Pair:
    """Returns `en`, `pt` for `en-us`, `pt-br`; the whole codes where the short ones are the same."""
    short = source.split("-")[0], target.split("-")[0]
    return short if short[0] != short[1] else (source, target)


def make_corpus(pages: list[Pages], languages: Pair) -> None:
    """Extracts, cleans, splits and writes the pairs; prints what was kept, and why the rest was not."""
    print("pairing the pages", flush=True)
    paragraphs = list(paragraph_pairs(pages[0].folder, pages[1].folder))
    if not paragraphs:
        raise InputError(f"{pages[0].folder} and {pages[1].folder} have no paragraph in common")
    ratio = character_ratio(paragraphs)
    chosen = PairFilter(ratio=ratio, max_words=_MAX_WORDS.value, max_deviation=_MAX_RATIO.value)
    seen: set[Pair] = set()
    pairs: list[Pair] = []
    for paragraph in paragraphs:
        if paragraph not in seen:
            seen.add(paragraph)
            found = sentence_pairs(*paragraph, ratio=ratio, max_deviation=_MAX_RATIO.value or 1e9)
            pairs.extend(pair for pair in found if chosen.accepts(*pair))
    split = split_pairs(pairs, valid=_VALID.value, test=_TEST.value, seed=_SEED.value, suitable=is_fit_for_evaluation)
    rows: list[tuple[str, int]] = [
        ("paragraphs with an equal id on both sides", len(paragraphs)),
        ("different paragraph pairs", len(seen)),
        *((f"skipped: {reason}", count) for reason, count in chosen.refused.most_common()),
        ("sentence pairs kept", chosen.kept),
        *((name, len(part)) for name, part in split._asdict().items()),
    ]
    table = format_table(["pairs", "count"], rows)
    folder = Path(_OUT.value or f"data/libreoffice_{languages[0]}_{languages[1]}")
    labelled = ((name, pairs[i]) for name, part in split._asdict().items() for i in part)
    write_corpus(folder, languages, Split._fields, labelled, readme(pages, languages, table))
    print(f"{table}\nwritten to {folder}: {{train,valid,test}}.{{{languages[0]},{languages[1]}}}")


def is_fit_for_evaluation(source: str, target: str) -> bool:
    """Says whether a pair is neither a mere label nor a monster."""
    return count_words(source) in HELD_OUT_WORDS and count_words(target) in HELD_OUT_WORDS


def readme(pages: list[Pages], languages: Pair, table: str) -> str:
    """Returns what README.txt says of the corpus."""
    return (
        f"Sentences of the LibreOffice help, {languages[0]} and {languages[1]}: UTF-8, one sentence a line,\n"
        "line N of one language translates line N of the other.\n"
        "No normalised sentence of valid or test stands in train.\n\n"
        f"source:   {pages[0].origin}\n          {pages[1].origin}\n"
        f"licence:  MPL-2.0 (Mozilla Public License 2.0), the LibreOffice contributors\n"
        f"made:     {datetime.date.today()} by data_scripts/fetch_libreoffice_help.py\n"
        f"          --valid={_VALID.value} --test={_TEST.value} --seed={_SEED.value} "
        f"--max_words={_MAX_WORDS.value} --max_ratio={_MAX_RATIO.value}\n\n{table}\n"
    )


def unpacked_package(language: str, temporary: Path) -> Pages:
    """Downloads (unless --package_dir has it) and unpacks the help package of one language."""
    kept = Path(_PACKAGE_DIR.value) if _PACKAGE_DIR.value else temporary
    package = PREFIX + language
    debs = sorted(kept.glob(f"{package}_*.deb"))
    if not shutil.which("dpkg-deb") or not (debs or shutil.which("apt-get")):
        raise InputError(NO_APT)
    if not debs:
        print(f"downloading {package}", flush=True)
        kept.mkdir(parents=True, exist_ok=True)
        download(language, kept, temporary)
        debs = sorted(kept.glob(f"{package}_*.deb"))
    tree = temporary / language
    for command in (["-x", str(debs[-1]), str(tree)], ["-f", str(debs[-1]), "Version"]):
        done = run(["dpkg-deb", *command], temporary)
        if done.returncode:
            raise InputError(f"{debs[-1]}: cannot be unpacked ({last_line(done)})")
    folder = find_pages(tree / "usr/share/libreoffice/help", language)
    return Pages(folder, f"package {package}, version {done.stdout.strip()}")


def download(language: str, folder: Path, temporary: Path) -> None:
    """Runs `apt-get download`; if it fails, updates apt's lists and tries again."""
    for attempt in range(2):
        done = run(apt("apt-get", temporary, "download", PREFIX + language), folder)
        if done.returncode == 0:
            return
        if not attempt:
            run(apt("apt-get", temporary, "update"), temporary)
    known = packaged_languages(temporary)
    if language not in known:
        raise InputError(f"no package {PREFIX}{language}{nearest(language, known)}; --list prints all languages")
    raise InputError(f"apt-get could not download {PREFIX}{language} ({last_line(done)}); {INSTEAD}")


def packaged_languages(temporary: Path) -> dict[str, str]:
    """Returns language -> description of the help packages apt knows; updates its lists if it knows none."""
    if not shutil.which("apt-get"):
        raise InputError(NO_APT)
    for attempt in range(2):
        done = run(apt("apt-cache", temporary, "search", "--names-only", f"^{PREFIX}"), temporary)
        lines = (line.removeprefix(PREFIX) for line in done.stdout.splitlines() if line.startswith(PREFIX))
        found = {code: text for code, _, text in (line.partition(" - ") for line in lines) if code != "common"}
        if found:
            return found
        if not attempt:
            run(apt("apt-get", temporary, "update"), temporary)
    raise InputError(f"apt knows no packages {PREFIX}*, also not after `apt-get update`; {INSTEAD}")


def apt(program_name: str, temporary: Path, *arguments: str) -> list[str]:
    """Returns the command; without root, apt is told to keep its lists in the temporary folder."""
    if os.geteuid() == 0:
        return [program_name, *arguments]
    for name in ("lists/partial", "cache/archives/partial"):
        (temporary / "apt" / name).mkdir(parents=True, exist_ok=True)
    options = [f"-oDir::State::lists={temporary}/apt/lists", f"-oDir::Cache={temporary}/apt/cache"]
    return [program_name, *options, *arguments]


def run(command: Iterable[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder and keeps what it prints."""
    return subprocess.run(list(command), cwd=folder, text=True, capture_output=True, check=False)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Returns the last line a command printed, preferably on standard error."""
    lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
    return lines[-1]


if __name__ == "__main__":
    program.run(main)
