"""seq2seq-data write-series: real series of numbers that come with installed packages, as CSV files."""

from __future__ import annotations

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.cli.flag_types import define_path
from seq2seq_tf.corpora.known_series import SOURCES
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write_texts

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    flags.DEFINE_enum("name", None, sorted(SOURCES), "The series.")
    define_path("out", None, "CSV file to write; its folder is created [default: data/NAME.csv].")


def main() -> None:
    """Writes the series."""
    if not FLAGS.name:
        raise InputError(f"--name must be one of {', '.join(sorted(SOURCES))}")
    path = FLAGS.out or f"data/{FLAGS.name}.csv"
    found = SOURCES[FLAGS.name].read()
    with atomic_write_texts([path]) as (file,):
        for row in (found.names, *found.rows):
            file.write(",".join(row) + "\n")
    names, first, last = ", ".join(found.names[1:]), found.rows[0][0], found.rows[-1][0]
    print(f"{path}: {len(found.rows):,} rows from {first} to {last}: {names}")


COMMAND = program.Command(
    "writes a real series of numbers, which comes with an installed package, as a CSV file",
    define_flags,
    main,
    "\n".join(
        [
            "seq2seq-data write-series --name=sunspots --out=data/sunspots.csv",
            "",
            *(f"{name:<10} {source.about}" for name, source in SOURCES.items()),
            "",
            "The series of statsmodels need it to be installed: pip install 'seq2seq_tf[forecast]'. They are in the "
            "public domain.",
        ]
    ),
)
