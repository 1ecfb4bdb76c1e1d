"""seq2seq-data split: splits your own parallel text into train, valid and test that share no sentence."""

from __future__ import annotations

import datetime
import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.cli.flag_types import define_float, define_integer, define_output, define_path
from seq2seq_tf.cli.table_flags import checked_languages, define_table_flags, opened_table, table_files
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.corpora.clean import PairFilter
from seq2seq_tf.corpora.split import Split, split_pairs
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lengths import character_ratio
from seq2seq_tf.text.lines import Pair, iter_pairs, write_corpus

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    define_path("source_file", None, "Sentences in the source language, one per line.")
    define_path("target_file", None, "Their translations, line by line.")
    define_table_flags("the two files")
    define_output("out", None, "Folder to write.", folder=True)
    flags.DEFINE_string("source_lang", None, "File extension of the sources, for example en.")
    flags.DEFINE_string("target_lang", None, "File extension of the targets, for example de.")
    define_integer("valid", 1000, "Pairs to hold out for validation.", 0)
    define_integer("test", 1000, "Pairs to hold out for testing.", 0)
    define_integer("seed", 1, "Random seed of the choice of held-out pairs.", 0)
    define_integer("max_words", 100, "Skip pairs with a longer side (0: no limit).", 0)
    define_float(
        "max_ratio", 3.0, "Skip pairs this many times longer or shorter than the corpus ratio (0: no limit).", 0.0, 1e6
    )


def main() -> None:
    """Reads the pairs three times (lengths, choice, writing), so that only their hashes are kept in memory."""
    languages = checked_languages("they become the file extensions")
    folder = checked_folder(languages)
    table_read = opened_table(languages)
    read_pairs = table_read.pairs if table_read else functools.partial(iter_pairs, *input_files())
    ratio = character_ratio(read_pairs())
    chosen = PairFilter(ratio=ratio, max_words=FLAGS.max_words, max_deviation=FLAGS.max_ratio)
    accepted = bytearray()
    split = split_pairs(kept_pairs(read_pairs(), chosen, accepted), valid=FLAGS.valid, test=FLAGS.test, seed=FLAGS.seed)
    part_of = bytearray(chosen.kept)
    for number, indices in enumerate(split):
        for index in indices:
            part_of[index] = number
    rows = [
        ("read", len(accepted)),
        *((f"skipped: {reason}", count) for reason, count in chosen.refused.most_common()),
        ("kept", chosen.kept),
        *((name, len(indices)) for name, indices in split._asdict().items()),
    ]
    table = format_table(["pairs", "count"], rows)
    if table_read:
        joined = f"; line ends or tabs in {table_read.joined:,} pairs became spaces" if table_read.joined else ""
        table = f"{table_read.path}: {table_read.description()}{joined}\n\n{table}"
    names = (Split._fields[number] for number in part_of)
    labelled = zip(names, itertools.compress(read_pairs(), accepted), strict=True)
    write_corpus(folder, languages, Split._fields, labelled, readme(table))
    print(f"{table}\nwritten to {folder}: {{train,valid,test}}.{{{languages[0]},{languages[1]}}}")


def input_files() -> list[str]:
    """Returns the table, or the source file and the target file.

    Raises:
      InputError: the flags do not name exactly one of both, or an input is not a file on disk.
    """
    two = [FLAGS.source_file, FLAGS.target_file]
    tables = table_files()
    files = tables or two
    if not all(files) or len(tables) > 1 or (tables and any(two)):
        raise InputError("either --tsv or --csv, or both --source_file and --target_file are required")
    for name in files:
        file = Path(name)
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise InputError(f"{name}: must be a file on disk, since it is read several times")
    return files


def checked_folder(languages: Pair) -> Path:
    """Returns the folder to write.

    Raises:
      InputError: --out is missing, or an input would be overwritten.
    """
    if not FLAGS.out:
        raise InputError("--out is required: the folder to write")
    folder = Path(FLAGS.out)
    outputs = {(folder / f"{part}.{language}").resolve() for part in Split._fields for language in languages}
    for file in input_files():
        if Path(file).resolve() in outputs:
            raise InputError(f"{file}: would be overwritten; choose another --out")
    return folder


def kept_pairs(pairs: Iterable[Pair], chosen: PairFilter, accepted: bytearray) -> Iterator[Pair]:
    """Yields the pairs that the filter accepts, and appends 0 or 1 to `accepted` for each pair read."""
    for pair in pairs:
        accepted.append(chosen.accepts(*pair))
        if accepted[-1]:
            yield pair


def readme(table: str) -> str:
    """Returns the content of README.txt."""
    return (
        f"Made on {datetime.date.today()} by seq2seq-data split\n"
        f"from {' and '.join(map(str, input_files()))}\n"
        f"with --valid={FLAGS.valid} --test={FLAGS.test} --seed={FLAGS.seed} "
        f"--max_words={FLAGS.max_words} --max_ratio={FLAGS.max_ratio}.\n"
        f"No normalised sentence of valid or test occurs in train.\n\n{table}\n"
    )


COMMAND = program.Command(
    "splits your own parallel text into train, valid and test that share no sentence",
    define_flags,
    main,
    """
    seq2seq-data split --source_file=all.en --target_file=all.de \\
        --source_lang=en --target_lang=de --valid=1000 --test=1000 --out=data/mine
    seq2seq-data split --tsv=pairs.tsv --source_lang=en --target_lang=de --out=data/mine
    seq2seq-data split --csv=sheet.csv --source_lang=en --target_lang=de --out=data/mine

    Files are UTF-8, one sentence per line, plain or .gz. Two columns of a table (TSV, or CSV with commas or semicolons)
    are read: those that a header names, otherwise the first two. Quoted fields and a header are detected, and the
    detected format is printed. Pairs with an empty side, with identical sides, duplicates, and pairs that are too long
    or of odd lengths are skipped and counted. The same input, flags and seed give the same parts; the order of the
    lines does not matter, and more data changes few choices.

    Sentences are considered the same if they differ only in case, punctuation or spaces. Pairs that share a sentence,
    on either side, stay together; pairs whose sentences occur nowhere else are held out first.

    Writes OUT/{train,valid,test}.{SOURCE_LANG,TARGET_LANG} and OUT/README.txt, all or nothing.
    """,
)
