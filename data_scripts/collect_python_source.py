"""Copies the source of this Python's standard library, as text for a language model.

  python data_scripts/collect_python_source.py --out=data/python_source

Writes OUT/{train,valid,test}/... with the files' own relative names, and OUT/README.txt. A file's part is a function
of its name (data_scripts and training use the same one), so that two Python versions hold out the same files. Tests,
installed packages and tables that programs have written (character maps, help topics) are left out; files that are
not UTF-8 are skipped and counted.
"""

from __future__ import annotations

import os
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
from seq2seq_tf.tasks.language_model.text_files import find_text_files, read_text, share_out

_OUT = define_output("out", "data/python_source", "Folder to write; must be new or empty.", folder=True)
_STDLIB = define_path("stdlib", None, "Folder of the standard library [default: that of this Python].")
_EXCLUDE = flags.DEFINE_string(
    "exclude",
    ".*,__pycache__,site-packages,dist-packages,test,tests,idle_test,encodings,pydoc_data,_sysconfigdata*",
    "Names of files and folders to leave out, separated by commas.",
)
_VALID_SHARE = define_float("valid_share", 0.04, "Share of the files held out.", 0.0, 0.5)
_TEST_SHARE = define_float("test_share", 0.04, "Likewise, for the test.", 0.0, 0.5)


def main() -> None:
    """Copies the files and prints what was copied."""
    check_output(_OUT.value, folder=True)
    out = Path(_OUT.value)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already; delete it or name another --out")
    stdlib = _STDLIB.value or sysconfig.get_path("stdlib")
    parts = share_out(find_text_files(stdlib, "*.py", _EXCLUDE.value), _VALID_SHARE.value, _TEST_SHARE.value)
    rows, skipped = [], 0
    begun = out.with_name(out.name + ".tmp")
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
        os.replace(begun, out)
    except OSError as error:
        raise InputError(f"{error.filename or begun}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    print(f"{table}\nwritten to {out}")


def _text(path: str) -> str | None:
    """Returns the text, or None for a file in another encoding."""
    try:
        return read_text(path)
    except InputError as error:
        if "invalid UTF-8" not in str(error):
            raise
        return None


def _readme(table: str) -> str:
    return (
        f"Source of the standard library of Python {platform.python_version()} (Python Software Foundation License;\n"
        "some modules have licences of their own, stated in them), copied by data_scripts/collect_python_source.py\n"
        f"with --valid_share={_VALID_SHARE.value:g} --test_share={_TEST_SHARE.value:g} --exclude={_EXCLUDE.value}\n\n"
        f"{table}\n"
    )


if __name__ == "__main__":
    program.run(main)
