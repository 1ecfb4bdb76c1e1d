"""seq2seq-translate translates the lines of standard input.

Lines are read in windows, sorted by length within a window, translated in batches and written in their original order,
so memory does not grow with the input. An empty line gives an empty line.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from absl import flags

from seq2seq_tf.cli import program, run_folder, search_flags, standard_input
from seq2seq_tf.cli.flag_types import define_integer
from seq2seq_tf.cli.program import one_line
from seq2seq_tf.files import to_json
from seq2seq_tf.tasks.translation.config import TranslationConfig

if TYPE_CHECKING:
    from seq2seq_tf.tasks.translation.translator import Hypothesis

FLAGS = flags.FLAGS
_COUNTED_EVERY = 10.0  # seconds between counts that are written as lines of their own


def define_flags() -> None:
    """Defines the flags of the program."""
    search_flags.define()
    flags.DEFINE_enum(
        "output",
        "text",
        ["text", "jsonl"],
        "text: one translation per line (n_best > 1: LINE ||| TEXT ||| SCORE); "
        "jsonl: one object per line with scores, pieces and word alignments",
    )
    define_integer(
        "window",
        2048,
        "lines sorted by length and translated together; larger is faster, smaller answers sooner",
        1,
        1_000_000,
    )
    flags.DEFINE_bool(
        "progress",
        None,
        "show lines per second on standard error [default: if it is a terminal and neither input nor output is one]",
    )


def main() -> int:
    """Translates standard input to standard output."""
    standard_input.announce(run_folder.model_dir(TranslationConfig))
    program.import_tensorflow()
    from seq2seq_tf.tasks.translation.translator import Translator

    translator = run_folder.say_weights(Translator.load(FLAGS.model_dir))
    search = translator.search_options(**search_flags.given())
    counter = _Counter()
    for texts in standard_input.windows(FLAGS.window):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            rows = translator.translate_all(texts, search, attention=FLAGS.output == "jsonl")
        for warning in caught:
            print(f"warning: window from line {counter.done + 1}: {warning.message}", file=sys.stderr)
        for n, row in enumerate(rows):
            sys.stdout.write(_shown(counter.done + n + 1, texts[n], row, search.n_best))
        sys.stdout.flush()
        counter.add(len(texts))
    counter.end()
    return 0


class _Counter:
    """Count of translated lines, shown on standard error: in place on a terminal, otherwise as a line now and then."""

    def __init__(self) -> None:
        self.done = 0
        self._begin = self._shown_at = time.perf_counter()
        self._in_place = sys.stderr.isatty() and not standard_input.is_typed()
        alone = self._in_place and not sys.stdout.isatty()  # otherwise it would appear among the translations
        self._show = alone if FLAGS.progress is None else FLAGS.progress

    def add(self, lines: int) -> None:
        """Counts lines that have been written."""
        self.done += lines
        if self._show and (self._in_place or time.perf_counter() > self._shown_at + _COUNTED_EVERY):
            self._print()

    def end(self) -> None:
        """Leaves the final count as a line."""
        if self._show:
            self._print(end="\n")

    def _print(self, end: str = "") -> None:
        self._shown_at = time.perf_counter()
        rate = self.done / (self._shown_at - self._begin)
        start, end = ("\r", end) if self._in_place else ("", "\n")
        print(f"{start}{self.done:,} lines, {rate:,.1f} lines/s", end=end, file=sys.stderr, flush=True)


def _shown(line: int, source: str, row: list[Hypothesis], n_best: int) -> str:
    """Returns the output for one input line."""
    if FLAGS.output == "jsonl":
        return to_json(_record(line, source, row), ensure_ascii=False) + "\n"
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


COMMAND = program.Command(
    "translates the lines of standard input",
    define_flags,
    main,
    """
    seq2seq-translate --model_dir=runs/de_en < in.de > out.en
    echo "Ein Hund rennt." | seq2seq-translate --model_dir=runs/de_en --beam_size=8
    seq2seq-translate --model_dir=runs/de_en --n_best=3 --output=jsonl < in.de > out.jsonl
    """,
    is_filter=True,
)


def run() -> None:
    """Entry point."""
    program.run(COMMAND)


if __name__ == "__main__":
    run()
