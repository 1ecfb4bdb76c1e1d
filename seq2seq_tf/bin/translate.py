"""Translates lines: seq2seq-translate --model_dir=runs/NAME < in.txt > out.txt

Lines are read in windows, sorted by length inside a window, translated in batches and written in their order, so
memory does not grow with the input. An empty line gives an empty line.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from absl import flags

from seq2seq_tf.bin import program, search_flags
from seq2seq_tf.bin.flag_types import define_integer
from seq2seq_tf.bin.program import one_line
from seq2seq_tf.errors import InputError

if TYPE_CHECKING:
    from seq2seq_tf.translator import Hypothesis

FLAGS = flags.FLAGS
search_flags.define()
flags.DEFINE_enum(
    "output",
    "text",
    ["text", "jsonl"],
    "text: one translation a line (n_best > 1: LINE ||| TEXT ||| SCORE); "
    "jsonl: an object per line with scores, pieces and word alignments",
)
define_integer(
    "window", 2048, "lines sorted by length together; larger is faster, smaller answers sooner", 1, 1_000_000
)
flags.DEFINE_bool("progress", None, "show lines per second on standard error [default: when it is a terminal]")


def main() -> int:
    """Translates standard input to standard output."""
    if not FLAGS.model_dir:
        raise InputError("--model_dir must name the run folder")
    program.import_tensorflow()
    from seq2seq_tf.translator import Translator

    translator = Translator.load(FLAGS.model_dir)
    search = translator.search_options(**search_flags.given())
    window = 1 if sys.stdin.isatty() else FLAGS.window
    show = sys.stderr.isatty() if FLAGS.progress is None else FLAGS.progress
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # whatever the locale, as the input
    begin, done = time.perf_counter(), 0
    for texts in _windows(window):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            rows = translator.translate_all(texts, search, attention=FLAGS.output == "jsonl")
        for warning in caught:
            print(f"warning: window from line {done + 1}: {warning.message}", file=sys.stderr)
        for n, row in enumerate(rows):
            sys.stdout.write(_shown(done + n + 1, texts[n], row, search.n_best))
        sys.stdout.flush()
        done += len(texts)
        if show:
            rate = done / (time.perf_counter() - begin)
            print(f"\r{done:,} lines, {rate:,.1f} lines/s", end="", file=sys.stderr)
    if show:
        print(file=sys.stderr)
    return 0


def _windows(size: int) -> Iterator[list[str]]:
    """Yields the lines of standard input, `size` at a time."""
    lines = program.input_lines()
    while window := list(itertools.islice(lines, size)):
        yield window


def _shown(line: int, source: str, row: list[Hypothesis], n_best: int) -> str:
    """Returns the output for one input line."""
    if FLAGS.output == "jsonl":
        return json.dumps(_record(line, source, row), ensure_ascii=False) + "\n"
    if n_best == 1:
        return one_line(row[0].text) + "\n"
    return "".join(f"{line} ||| {one_line(h.text)} ||| {h.score:.6f}\n" for h in row)


def _record(line: int, source: str, row: list[Hypothesis]) -> dict[str, Any]:
    from seq2seq_tf.inspection.attention import word_alignment

    hypotheses = [
        {
            "text": h.text,
            "score": h.score,
            "log_prob": h.log_prob,
            "pieces": h.pieces,
            "alignment": [f"{s}-{t}" for s, t in word_alignment(h)],
        }
        for h in row
    ]
    return {"line": line, "source": source, "source_pieces": row[0].source_pieces, "hypotheses": hypotheses}


def run() -> None:
    """Entry point."""
    program.run(main)


if __name__ == "__main__":
    run()
