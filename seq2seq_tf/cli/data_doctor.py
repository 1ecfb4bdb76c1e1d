"""seq2seq-data doctor: checks a parallel corpus and reports what is wrong, where, and how to fix it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from absl import flags

from seq2seq_tf.cli import program, run_folder
from seq2seq_tf.cli.flag_types import define_float, define_integer, define_path
from seq2seq_tf.cli.table_flags import checked_languages, define_table_flags, opened_table, table_files
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.config.common import NORMALIZATIONS
from seq2seq_tf.corpora.audit import Audit, audit, find_parts, part_at
from seq2seq_tf.corpora.delimited import Table
from seq2seq_tf.corpora.findings import Place, read_excerpts
from seq2seq_tf.corpora.language_check import LanguageCheck, check_languages, with_findings
from seq2seq_tf.corpora.normalization_check import check_normalization
from seq2seq_tf.corpora.part_text import Part
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write_texts
from seq2seq_tf.tasks import python_api

FLAGS = flags.FLAGS
_PARTS = ("train", "valid", "test")


def define_flags() -> None:
    """Defines the flags of the command."""
    flags.DEFINE_string("source_lang", None, "File extension of the sources, for example en.")
    flags.DEFINE_string("target_lang", None, "File extension of the targets, for example de.")
    define_path("data", None, "Folder in which all NAME.SOURCE_LANG with NAME.TARGET_LANG are checked.")
    for name in _PARTS:
        define_path(name, None, f"Instead of --data: the {name} files are PREFIX.LANG.")
    define_table_flags("--data")
    define_integer("max_words", 100, "Report lines with more words.", 1)
    define_float("max_ratio", 3.0, "Report pairs this many times longer or shorter than usual in their part.", 1.0, 1e6)
    flags.DEFINE_enum(
        "target_normalization",
        "identity",
        NORMALIZATIONS,
        "Report targets that a model trained with this data.target_normalization could not produce exactly.",
    )
    define_path(
        "language_model_dir", None, "Run folder of a language classifier: report lines in another language (slower)."
    )
    define_float(
        "language_min_probability", 0.99, "Report a line if another language is at least this probable.", 0.0, 1.0
    )
    define_integer("language_min_characters", 30, "Do not check the language of shorter lines.", 1)


def main() -> int:
    """Audits the parts and prints the report; returns the exit code."""
    languages = checked_languages("the file extensions")
    table = chosen_table(languages)
    with tempfile.TemporaryDirectory(prefix="doctor_") as folder:
        parts = [written_part(table, Path(folder))] if table else chosen_parts(languages)
        language_check = loaded_language_check() if FLAGS.language_model_dir else None
        result = audit(parts, languages, max_words=FLAGS.max_words, max_deviation=FLAGS.max_ratio)
        result = with_findings(result, check_normalization(parts, FLAGS.target_normalization))
        if language_check:
            result = with_findings(result, check_languages(parts, language_check))
        report = reported(result)
        if table:
            for path, column in zip(parts[0][1:], table.columns, strict=True):
                report = report.replace(str(path), f"{table.path} column {column}")
            print(f"{table.path}: {table.description()}; lines are rows, not counting a header\n")
        print(report)
    return 1 if result.errors else 0


def chosen_table(languages: tuple[str, str]) -> Table | None:
    """Returns the table that the flags name, or None if they name files.

    Raises:
      InputError: the flags name neither a table nor files, or both, or the table cannot be read.
    """
    if [bool(_prefixes()), bool(FLAGS.data), bool(table_files())].count(True) != 1:
        raise InputError("either --data or some of --train, --valid, --test, or --tsv or --csv is required")
    return opened_table(languages)


def written_part(table: Table, folder: Path) -> Part:
    """Writes the two columns of a table to files in a folder and returns them as a part."""
    part = Part("table", folder / "source", folder / "target")
    with atomic_write_texts(part[1:]) as files:
        for pair in table.pairs():
            for file, text in zip(files, pair, strict=True):
                file.write(f"{text}\n")
    return part


def chosen_parts(languages: tuple[str, str]) -> list[Part]:
    """Returns the parts that the flags name."""
    if FLAGS.data:
        return find_parts(Path(FLAGS.data), *languages)
    return [part_at(Path(prefix), name, *languages) for name, prefix in _prefixes().items()]


def _prefixes() -> dict[str, str]:
    """Returns part -> prefix of its files, for the parts with flags of their own."""
    return {name: prefix for name in _PARTS if (prefix := getattr(FLAGS, name))}


def loaded_language_check() -> LanguageCheck:
    """Returns the check for the languages of the flags; en-us is `en` if the classifier knows only that.

    Raises:
      InputError: the classifier does not know one of the languages.
    """
    program.import_tensorflow()  # imported only here: the other checks do not need it
    classifier = run_folder.say_weights(python_api("classification").load(FLAGS.language_model_dir))
    expected = []
    for flag in ("source_lang", "target_lang"):
        language = getattr(FLAGS, flag)
        names = [name for name in (language, language.split("-")[0]) if name in classifier.labels]
        if not names:
            known = ", ".join(classifier.labels)
            raise InputError(f"--{flag}={language}: {FLAGS.language_model_dir} knows only {known}")
        expected.append(names[0])
    return LanguageCheck(
        (expected[0], expected[1]),
        lambda texts: [found[0] for found in classifier.classify(texts)],
        FLAGS.language_min_probability,
        FLAGS.language_min_characters,
    )


def reported(result: Audit) -> str:
    """Returns sizes, findings with their first places and remedies, and the totals."""
    header = ["part", "pairs", f"words {FLAGS.source_lang}", f"words {FLAGS.target_lang}"]
    lines = [format_table(header, result.sizes)]
    excerpts = read_excerpts(result.findings)
    for finding in result.findings:
        times = f" ({finding.times:,} times)" if finding.times > 1 else ""
        lines.append(f"\n{finding.severity}: {finding.part}: {finding.check}{times}")
        lines += [f"  {described(place, excerpts)}" for place in finding.examples]
        lines.append(f"  remedy: {finding.remedy}")
    warnings = len(result.findings) - result.errors
    return "\n".join([*lines, f"\nkinds of errors: {result.errors}, kinds of warnings: {warnings}"])


def described(place: Place, excerpts: Mapping[tuple[str, int], str]) -> str:
    """Returns a place with the beginning of its line and, if relevant, of the line on the other side."""
    texts = [excerpts.get(key, "") for key in ((place.path, place.line), (place.beside, place.beside_line))]
    shown = " | ".join(texts) if place.beside else texts[0]
    return f"{place}: {shown}" if shown else str(place)


COMMAND = program.Command(
    "checks a parallel corpus and reports what is wrong, where, and how to fix it",
    define_flags,
    main,
    """
    seq2seq-data doctor --source_lang=en --target_lang=de --data=data/libreoffice_en_de
    seq2seq-data doctor --source_lang=en --target_lang=de --train=my/train --test=other/news
    seq2seq-data doctor --source_lang=en --target_lang=de --csv=sheet.csv
    seq2seq-data doctor --source_lang=en --target_lang=de --data=my --language_model_dir=runs/language_id

    Errors: files of different lengths, shifted or unrelated lines, source and target swapped in some lines, sides the
    wrong way round or in one language, the same text on both sides, CR line ends, invalid UTF-8, NUL characters,
    quoting left by a spreadsheet, parts without text, held-out pairs that occur in train. Warnings: small numbers of
    some of these, a header, a language other than that of the file extension, control characters, tabs, empty lines,
    duplicate pairs, odd or very long pairs, held-out pairs of which one side occurs in train, targets that
    normalisation would change. Files may be gzipped (train.en.gz).

    Exit code 0: no errors (there may be warnings); 1: errors; 2: invalid flags or unreadable files.
    """,
)
