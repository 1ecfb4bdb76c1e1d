"""seq2seq-data fetch-language-id: a language identification corpus from the help pages of LibreOffice."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.cli.flag_types import define_integer, define_output, define_path
from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.corpora.help_packages import Pages, unpacked_package
from seq2seq_tf.corpora.language_sentences import Kept, balanced_split, distinct_sentences, help_sentences
from seq2seq_tf.corpora.libreoffice_help import find_pages
from seq2seq_tf.corpora.split import Split
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write_texts

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    flags.DEFINE_list(
        "languages", ["en-us", "de", "fr", "es", "it", "pt", "nl", "sv"], "Languages, as in the package names."
    )
    define_output("out", "data/language_id", "Folder to write.", folder=True)
    define_integer("train", 20000, "Maximum number of training sentences per language.", 1)
    define_integer("held_out", 500, "Sentences per language in valid, and also in test.", 1)
    define_integer("seed", 1, "Random seed of the choice of sentences.", 0)
    define_integer("min_characters", 3, "Skip shorter sentences.", 1)
    define_integer("max_characters", 200, "Skip longer sentences.", 1)
    define_path("package_dir", None, "Folder in which .deb files are stored and reused.")
    define_path("tree", None, "Folder with LANGUAGE/text/**/*.html already unpacked; apt is not used.")


def main() -> int:
    """Makes the corpus."""
    check_output(FLAGS.out, folder=True)
    codes = [code.strip().lower() for code in FLAGS.languages]
    labels = labels_of(codes)
    with tempfile.TemporaryDirectory(prefix="language_id_") as temporary:
        pages = {label: pages_of(code, Path(temporary)) for label, code in zip(labels, codes, strict=True)}
        print("reading the pages", flush=True)
        texts = {label: help_sentences(found.folder) for label, found in pages.items()}
        kept = distinct_sentences(texts, shortest=FLAGS.min_characters, longest=FLAGS.max_characters)
    splits = balanced_split(kept.sentences, train=FLAGS.train, held_out=FLAGS.held_out, seed=FLAGS.seed)
    table = report(kept, splits)
    write(Path(FLAGS.out), kept, splits, readme(pages, table))
    print(f"{table}\nwritten to {FLAGS.out}: {{train,valid,test}}/{{{','.join(labels)}}}.txt")
    return 0


def labels_of(codes: list[str]) -> list[str]:
    """Returns `en` for `en-us`, or the full code if two languages would get the same name.

    Raises:
      InputError: there are fewer than two languages, or one is repeated.
    """
    if len(set(codes)) < 2 or len(set(codes)) < len(codes):
        raise InputError(f"--languages must name at least two different languages, got {','.join(codes) or 'none'}")
    short = [code.split("-")[0] for code in codes]
    return [code if short.count(name) > 1 else name for code, name in zip(codes, short, strict=True)]


def pages_of(code: str, temporary: Path) -> Pages:
    """Returns the pages of a language, downloaded or from --tree."""
    if FLAGS.tree:
        return Pages(find_pages(Path(FLAGS.tree), code), FLAGS.tree)
    return unpacked_package(code, temporary, Path(FLAGS.package_dir) if FLAGS.package_dir else None)


def report(kept: Kept, splits: dict[str, Split]) -> str:
    """Returns a table of the sentences kept for each language, and of the reasons why the others were not."""
    reasons = ["too short, too long or without letters", "duplicate", "in several languages"]
    rows = [
        [label, *(kept.refused[label][reason] for reason in reasons), len(sentences), *map(len, splits[label])]
        for label, sentences in kept.sentences.items()
    ]
    return format_table(["language", "odd length", "duplicate", "in several languages", "kept", *Split._fields], rows)


def write(folder: Path, kept: Kept, splits: dict[str, Split], about: str) -> None:
    """Writes all files or none."""
    places = [(part, label) for part in Split._fields for label in splits]
    paths = [folder / part / f"{label}.txt" for part, label in places]
    with atomic_write_texts([*paths, folder / "README.txt"]) as (*files, note):
        for file, (part, label) in zip(files, places, strict=True):
            file.writelines(f"{kept.sentences[label][n]}\n" for n in getattr(splits[label], part))
        note.write(about)


def readme(pages: dict[str, Pages], table: str) -> str:
    """Returns the content of README.txt."""
    origins = "\n          ".join(found.origin for found in pages.values())
    return (
        "Sentences of the LibreOffice help by language: UTF-8, one sentence per line, PART/LANGUAGE.txt.\n"
        "No normalised sentence occurs in two languages or two parts.\n\n"
        f"source:   {origins}\n"
        f"licence:  MPL-2.0 (Mozilla Public License 2.0), the LibreOffice contributors\n"
        f"made:     {datetime.date.today()} by seq2seq-data fetch-language-id\n"
        f"          --train={FLAGS.train} --held_out={FLAGS.held_out} --seed={FLAGS.seed} "
        f"--min_characters={FLAGS.min_characters} --max_characters={FLAGS.max_characters}\n\n{table}\n"
    )


COMMAND = program.Command(
    "makes a language identification corpus from the help pages of LibreOffice, as packaged by Debian and Ubuntu",
    define_flags,
    main,
    """
    seq2seq-data fetch-language-id --languages=en-us,de,fr,es,it,pt,nl,sv --out=data/language_id
    seq2seq-data fetch-help --list        # all languages

    Up to 20,000 sentences per language for training, and 500 each for valid and test, under MPL-2.0. The packages are
    downloaded with apt-get and unpacked into a temporary folder; nothing is installed and root is not needed.
    Sentences that occur in several languages, and duplicates, are left out: no sentence is in two parts.

    Writes OUT/{train,valid,test}/LANGUAGE.txt, one sentence per line, and OUT/README.txt.
    """,
)
