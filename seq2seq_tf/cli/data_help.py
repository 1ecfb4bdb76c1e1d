"""seq2seq-data fetch-help: a parallel corpus from the help pages of LibreOffice."""

from __future__ import annotations

import datetime
import tempfile
from pathlib import Path

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.cli.flag_types import define_float, define_integer, define_output, define_path
from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.corpora.clean import PairFilter
from seq2seq_tf.corpora.help_packages import Pages, packaged_languages, unpacked_package
from seq2seq_tf.corpora.libreoffice_help import find_pages, paragraph_pairs, sentence_pairs
from seq2seq_tf.corpora.split import Split, split_pairs
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lengths import character_ratio
from seq2seq_tf.text.lines import Pair, write_corpus
from seq2seq_tf.text.sentences import count_words

FLAGS = flags.FLAGS

HELD_OUT_WORDS = range(3, 61)


def define_flags() -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("source", "en-us", "Language of the sources, as in the package name (see --list).")
    flags.DEFINE_string("target", "de", "Language of the targets, as in the package name (see --list).")
    define_output("out", None, "Folder to write [default: data/libreoffice_SOURCE_TARGET].", folder=True)
    define_integer("valid", 1000, "Pairs to hold out for validation.", 0)
    define_integer("test", 1000, "Pairs to hold out for testing.", 0)
    define_integer("seed", 1, "Random seed of the choice of held-out pairs.", 0)
    define_integer("max_words", 100, "Skip pairs with a longer side (0: no limit).", 0)
    define_float(
        "max_ratio",
        3.0,
        "Skip pairs this many times longer or shorter than the corpus ratio (0: no limit).",
        0.0,
        1e6,
    )
    define_path("package_dir", None, "Folder in which .deb files are stored and reused.")
    define_path("tree", None, "Folder with LANGUAGE/text/**/*.html already unpacked; apt is not used.")
    flags.DEFINE_bool("list", False, "Print the packaged languages and exit.")


def main() -> int:
    """Prints the languages, or makes the corpus."""
    with tempfile.TemporaryDirectory(prefix="libreoffice_help_") as temporary:
        if FLAGS.list:
            languages = packaged_languages(Path(temporary))
            print(format_table(["language", "package"], sorted(languages.items())))
            return 0
        codes = FLAGS.source.lower(), FLAGS.target.lower()
        if codes[0] == codes[1]:
            raise InputError(f"--source and --target are both {codes[0]!r}")
        check_output(str(folder_to_write(short_codes(*codes))), folder=True)
        if FLAGS.tree:
            pages = [Pages(find_pages(Path(FLAGS.tree), code), FLAGS.tree) for code in codes]
        else:
            kept = Path(FLAGS.package_dir) if FLAGS.package_dir else None
            pages = [unpacked_package(code, Path(temporary), kept) for code in codes]
        make_corpus(pages, short_codes(*codes))
    return 0


def folder_to_write(languages: Pair) -> Path:
    """Returns the folder that the flags name, or the default."""
    return Path(FLAGS.out or f"data/libreoffice_{languages[0]}_{languages[1]}")


def short_codes(source: str, target: str) -> Pair:
    """Returns short codes (`en`, `pt` for `en-us`, `pt-br`), or the full codes if the short ones are equal."""
    short = source.split("-")[0], target.split("-")[0]
    return short if short[0] != short[1] else (source, target)


def make_corpus(pages: list[Pages], languages: Pair) -> None:
    """Extracts, cleans, splits and writes the pairs; prints what was kept, and why the rest was not.

    Raises:
      InputError: the pages have no paragraph in common, or there are too few pairs to hold out.
    """
    print("pairing the pages", flush=True)
    paragraphs = list(paragraph_pairs(pages[0].folder, pages[1].folder))
    if not paragraphs:
        raise InputError(f"{pages[0].folder} and {pages[1].folder} have no paragraph in common")
    ratio = character_ratio(paragraphs)
    chosen = PairFilter(ratio=ratio, max_words=FLAGS.max_words, max_deviation=FLAGS.max_ratio)
    seen: set[Pair] = set()
    pairs: list[Pair] = []
    for paragraph in paragraphs:
        if paragraph not in seen:
            seen.add(paragraph)
            found = sentence_pairs(*paragraph, ratio=ratio, max_deviation=FLAGS.max_ratio or 1e9)
            pairs.extend(pair for pair in found if chosen.accepts(*pair))
    split = split_pairs(pairs, valid=FLAGS.valid, test=FLAGS.test, seed=FLAGS.seed, suitable=is_fit_for_evaluation)
    rows: list[tuple[str, int]] = [
        ("paragraphs with the same id on both sides", len(paragraphs)),
        ("distinct paragraph pairs", len(seen)),
        *((f"skipped: {reason}", count) for reason, count in chosen.refused.most_common()),
        ("sentence pairs kept", chosen.kept),
        *((name, len(part)) for name, part in split._asdict().items()),
    ]
    table = format_table(["pairs", "count"], rows)
    folder = folder_to_write(languages)
    labelled = ((name, pairs[i]) for name, part in split._asdict().items() for i in part)
    write_corpus(folder, languages, Split._fields, labelled, readme(pages, languages, table))
    print(f"{table}\nwritten to {folder}: {{train,valid,test}}.{{{languages[0]},{languages[1]}}}")


def is_fit_for_evaluation(source: str, target: str) -> bool:
    """Returns whether a pair is neither a mere label nor extremely long."""
    return count_words(source) in HELD_OUT_WORDS and count_words(target) in HELD_OUT_WORDS


def readme(pages: list[Pages], languages: Pair, table: str) -> str:
    """Returns the content of README.txt."""
    return (
        f"Sentences of the LibreOffice help, {languages[0]} and {languages[1]}: UTF-8, one sentence per line;\n"
        "line N of one language translates line N of the other.\n"
        "No normalised sentence of valid or test occurs in train.\n\n"
        f"source:   {pages[0].origin}\n          {pages[1].origin}\n"
        f"licence:  MPL-2.0 (Mozilla Public License 2.0), the LibreOffice contributors\n"
        f"made:     {datetime.date.today()} by seq2seq-data fetch-help\n"
        f"          --valid={FLAGS.valid} --test={FLAGS.test} --seed={FLAGS.seed} "
        f"--max_words={FLAGS.max_words} --max_ratio={FLAGS.max_ratio}\n\n{table}\n"
    )


COMMAND = program.Command(
    "makes a parallel corpus from the help pages of LibreOffice, as packaged by Debian and Ubuntu",
    define_flags,
    main,
    """
    seq2seq-data fetch-help --target=de --out=data/libreoffice_en_de
    seq2seq-data fetch-help --list

    About 40,000 sentence pairs of technical text for English and any of about 30 languages, under MPL-2.0. The two
    packages are downloaded with apt-get and unpacked into a temporary folder; nothing is installed and root is not
    needed. Pages are paired by path, paragraphs by id, and sentences if both sides have the same number.

    Writes OUT/{train,valid,test}.{en,de} and OUT/README.txt. No sentence of valid or test occurs in train.
    """,
)
