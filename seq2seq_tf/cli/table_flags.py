"""Flags that name two languages, and flags that name a table of sentence pairs and describe its format."""

from __future__ import annotations

from absl import flags

from seq2seq_tf.cli.flag_types import define_path
from seq2seq_tf.corpora.delimited import Table, TableOptions
from seq2seq_tf.errors import InputError

flags.disclaim_key_flags()  # the flags belong to the module that calls these functions
_CHOICES = ["auto", "yes", "no"]
_DELIMITERS = {"tsv": "\t", "csv": ",;\t"}


def checked_languages(use: str) -> tuple[str, str]:
    """Returns --source_lang and --target_lang, which are used as file extensions.

    Args:
      use: what they are used for, quoted in the message if one is missing.

    Raises:
      InputError: one is missing, or both are the same.
    """
    source, target = flags.FLAGS.source_lang, flags.FLAGS.target_lang
    if not source or not target:
        raise InputError(f"--source_lang and --target_lang are required ({use}, for example en and de)")
    if source == target:
        raise InputError(f"--source_lang and --target_lang are both {source!r}")
    return source, target


def define_table_flags(instead_of: str) -> None:
    """Defines --tsv, --csv, --quoted, --header and --columns.

    Args:
      instead_of: what a table replaces, for the help text.
    """
    define_path("tsv", None, f"Instead of {instead_of}: a table whose columns are separated by tabs.")
    define_path("csv", None, f"Instead of {instead_of}: a table whose columns are separated by commas (or ; or tabs).")
    text = "Whether fields of the table may be quoted; no: quotation marks are part of the text."
    flags.DEFINE_enum("quoted", "auto", _CHOICES, text)
    flags.DEFINE_enum("header", "auto", _CHOICES, "Whether the table's first row is a header.")
    flags.DEFINE_list("columns", [], "Numbers of the table's two columns, source first, for example 2,4.")


def table_files() -> list[str]:
    """Returns the tables named by the flags; valid flags name at most one."""
    return [path for kind in _DELIMITERS if (path := getattr(flags.FLAGS, kind))]


def opened_table(languages: tuple[str, str]) -> Table | None:
    """Returns the table named by the flags, or None.

    Args:
      languages: file extensions of source and target, which a header may name.

    Raises:
      InputError: the flags name two tables, describe a table without naming one, or do not fit the table, or there is
        no such file.
    """
    kinds = [kind for kind in _DELIMITERS if getattr(flags.FLAGS, kind)]
    quoted, header, given = flags.FLAGS.quoted, flags.FLAGS.header, flags.FLAGS.columns
    if not kinds:
        if given or (quoted, header) != ("auto", "auto"):
            raise InputError("--columns, --header and --quoted need a table; give --tsv or --csv")
        return None
    if len(kinds) > 1:
        raise InputError("--tsv and --csv cannot be given together")
    columns = None
    if given:
        numbers = [int(number) if number.strip().isdecimal() else 0 for number in given]
        if len(numbers) != 2 or min(numbers) < 1 or numbers[0] == numbers[1]:
            raise InputError(f"--columns must be two different numbers from 1, for example 2,4; got {','.join(given)}")
        columns = (numbers[0], numbers[1])
    options = TableOptions(_DELIMITERS[kinds[0]], quoted, header, columns)
    return Table(getattr(flags.FLAGS, kinds[0]), languages, options)
