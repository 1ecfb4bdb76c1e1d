"""Checks a parallel corpus and prints a table of what it found and where.

  python data_scripts/doctor.py --source_lang=en --target_lang=de --data=data/libreoffice_en_de
  python data_scripts/doctor.py --source_lang=en --target_lang=de --train=my/train --test=other/news

Errors: files of different length, invalid UTF-8, NUL characters, parts without text, held-out pairs found
in train. Warnings: control characters, empty lines, identical sides, repeated pairs, odd or very long pairs,
held-out sentences one side of which stands in train. Files may be gzipped (train.en.gz).

Exit code 0: no errors (there may be warnings); 1: errors; 2: wrong flags or files that cannot be read.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from seq2seq_tf.bin import program
from seq2seq_tf.data.audit import Audit, Part, audit, find_parts, part_at
from seq2seq_tf.data.tables import format_table
from seq2seq_tf.errors import InputError

_SOURCE_LANG = flags.DEFINE_string("source_lang", None, "File ending of the sources, as en.")
_TARGET_LANG = flags.DEFINE_string("target_lang", None, "File ending of the targets, as de.")
_DATA = flags.DEFINE_string("data", None, "Folder: all NAME.SOURCE_LANG with NAME.TARGET_LANG in it are checked.")
_PREFIXES = {
    name: flags.DEFINE_string(name, None, f"Instead of --data: the {name} files are PREFIX.LANG.")
    for name in ("train", "valid", "test")
}
_MAX_WORDS = flags.DEFINE_integer("max_words", 100, "Report lines with more words.", lower_bound=1)
_MAX_RATIO = flags.DEFINE_float(
    "max_ratio",
    3.0,
    "Report pairs so many times longer or shorter than usual in their part.",
    lower_bound=1.0,
)


def main() -> int:
    """Audits the parts and prints the report."""
    result = audit(chosen_parts(), max_words=_MAX_WORDS.value, max_deviation=_MAX_RATIO.value)
    print_report(result)
    return 1 if result.errors else 0


def chosen_parts() -> list[Part]:
    """Returns the parts that the flags name."""
    source_lang, target_lang = _SOURCE_LANG.value, _TARGET_LANG.value
    if not source_lang or not target_lang:
        raise InputError("--source_lang and --target_lang are needed (the endings of the files, as en and de)")
    prefixes = {name: flag.value for name, flag in _PREFIXES.items() if flag.value}
    if bool(prefixes) == bool(_DATA.value):
        raise InputError("either --data or some of --train, --valid, --test is needed")
    if _DATA.value:
        return find_parts(Path(_DATA.value), source_lang, target_lang)
    return [part_at(Path(prefix), name, source_lang, target_lang) for name, prefix in prefixes.items()]


def print_report(result: Audit) -> None:
    """Prints sizes, findings with their first places, and the verdict."""
    header = ["part", "pairs", f"words {_SOURCE_LANG.value}", f"words {_TARGET_LANG.value}"]
    print(format_table(header, result.sizes))
    rows = [
        [finding.severity, finding.part, finding.check, f"{finding.times:,}", place]
        if first
        else ["", "", "", "", place]
        for finding in result.findings
        for first, place in zip((True, False, False), finding.examples, strict=False)
    ]
    if rows:
        print("\n" + format_table(["severity", "part", "finding", "count", "first found at"], rows))
    warnings = len(result.findings) - result.errors
    print(f"\nkinds of errors: {result.errors}, kinds of warnings: {warnings}")


if __name__ == "__main__":
    program.run(main)
