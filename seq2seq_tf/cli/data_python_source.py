"""seq2seq-data collect-python-source: the source of this Python's standard library, as text for a language model."""

from __future__ import annotations

import platform
import shutil
import sysconfig
from pathlib import Path

from absl import flags

from seq2seq_tf.cli import program
from seq2seq_tf.cli.flag_types import define_float, define_output, define_path
from seq2seq_tf.cli.output_paths import check_output
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import PART, replace_folder
from seq2seq_tf.text.text_files import find_text_files, read_text, share_out

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    define_output("out", "data/python_source", "Folder to write; must be new or empty.", folder=True)
    define_path("stdlib", None, "Folder of the standard library [default: that of this Python].")
    flags.DEFINE_string(
        "exclude",
        ".*,__pycache__,site-packages,dist-packages,test,tests,idle_test,encodings,pydoc_data,_sysconfigdata*",
        "Names of files and folders to leave out, separated by commas.",
    )
    define_float("valid_share", 0.04, "Share of the files held out for validation.", 0.0, 0.5)
    define_float("test_share", 0.04, "Share of the files held out for testing.", 0.0, 0.5)


def main() -> None:
    """Copies the files and prints what was copied."""
    check_output(FLAGS.out, folder=True)
    out = Path(FLAGS.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: already exists; delete it or choose another --out")
    stdlib = FLAGS.stdlib or sysconfig.get_path("stdlib")
    parts = share_out(find_text_files(stdlib, "*.py", FLAGS.exclude), FLAGS.valid_share, FLAGS.test_share)
    rows, skipped = [], 0
    begun = out.with_name(out.name + PART)
    try:
        shutil.rmtree(begun, ignore_errors=True)
        for part, files in parts.items():
            texts = {name: _text(path) for name, path in zip(files.names, files.paths(), strict=True)}
            kept = {name: text for name, text in texts.items() if text}
            skipped += sum(text is None for text in texts.values())
            for name, text in kept.items():
                path = begun / part / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="\n")
            rows.append((part, len(kept), sum(map(len, kept.values()))))
        table = format_table(["part", "files", "characters"], rows) + f"\n{skipped} files skipped: not UTF-8"
        (begun / "README.txt").write_text(_readme(table), encoding="utf-8")
        if out.exists():
            out.rmdir()
        replace_folder(str(begun), str(out))
    except OSError as error:
        raise InputError(f"{error.filename or begun}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    print(f"{table}\nwritten to {out}")


def _text(path: str) -> str | None:
    """Returns the text of a file, or None if it is not UTF-8."""
    try:
        return read_text(path)
    except InputError as error:
        if "invalid UTF-8" not in str(error):
            raise
        return None


def _readme(table: str) -> str:
    return (
        f"Source of the standard library of Python {platform.python_version()} (Python Software Foundation License;\n"
        "some modules have licences of their own, stated in them), copied by seq2seq-data collect-python-source\n"
        f"with --valid_share={FLAGS.valid_share:g} --test_share={FLAGS.test_share:g} --exclude={FLAGS.exclude}\n\n"
        f"{table}\n"
    )


COMMAND = program.Command(
    "copies the source of this Python's standard library, as text for a language model",
    define_flags,
    main,
    """
    seq2seq-data collect-python-source --out=data/python_source

    Writes OUT/{train,valid,test}/... with the relative names of the files, and OUT/README.txt. The part of a file
    depends only on its name (as in training), so that the same files are held out with any version of Python. Tests,
    installed packages and generated tables (character maps, help topics) are left out; files that are not UTF-8 are
    skipped and counted.
    """,
)
