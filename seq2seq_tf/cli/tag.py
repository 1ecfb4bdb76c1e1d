"""Restores case and punctuation: seq2seq-tag train|restore|evaluate --model_dir=runs/NAME ...

train     trains like seq2seq-train, with a configuration of `task: tagging`
restore   restores lower-case text without punctuation
evaluate  reports precision, recall and F1 of case and of each mark, on any text that has them
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from absl import flags

from seq2seq_tf.cli import program, run_folder, standard_input, training
from seq2seq_tf.cli.flag_types import define_integer, define_output, define_path
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.data.label_scores import score_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write_texts, to_json, write_text
from seq2seq_tf.tasks.tagging.casing import Word, bare, label_of
from seq2seq_tf.tasks.tagging.config import TaggingConfig
from seq2seq_tf.tasks.tagging.metrics import CaseAndMarks, case_and_mark_scores
from seq2seq_tf.text.lines import iter_lines

if TYPE_CHECKING:
    from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer

FLAGS = flags.FLAGS


def _train() -> int:
    return training.train(TaggingConfig, _prepare)


def _prepare(run: Any, config: TaggingConfig, say: Callable[[str], None]) -> Any:
    from seq2seq_tf.tasks.tagging.task import prepare

    return prepare(run, config, say)


def _restore_flags() -> None:
    define_path("model_dir", None, "run folder")
    define_path("input", None, "text to restore, one paragraph per line; may be .gz [default: standard input]")
    define_output("output", None, "file to write, only when all is restored [default: standard output]")
    define_integer("window", 512, "lines restored together; larger is faster", 1, 1_000_000)


def restore() -> int:
    """Restores line by line; an empty line stays one."""
    if FLAGS.input and not os.path.isfile(FLAGS.input):
        raise InputError(f"{FLAGS.input}: no such file")
    if FLAGS.model_dir and not FLAGS.input:
        standard_input.announce(FLAGS.model_dir)
    restorer = _load()
    if FLAGS.input:
        windows = standard_input.in_windows(iter_lines(FLAGS.input), FLAGS.window)
    else:
        windows = standard_input.windows(FLAGS.window)
    if FLAGS.output:
        with atomic_write_texts([FLAGS.output]) as (file,):
            for texts in windows:
                file.writelines(f"{text}\n" for text in restorer.restore(texts))
        return 0
    for texts in windows:
        sys.stdout.writelines(f"{text}\n" for text in restorer.restore(texts))
        sys.stdout.flush()
    return 0


def _evaluate_flags() -> None:
    define_path("model_dir", None, "run folder")
    define_path("data", None, "text with case and punctuation [default: data.test of the run]")
    define_integer(
        "max_lines", None, "lines to join into one paragraph, at most [default: data.max_lines of the run]", 1, 1000
    )
    define_integer("seed", None, "seed for joining lines [default: train.seed of the run]", 0)
    define_output("json", None, "also write the results to this file")
    define_integer("show", 0, "print this many paragraphs: given, restored, true", 0)


def evaluate() -> int:
    """Strips case and punctuation from a text, restores it and compares."""
    restorer = _load()
    from seq2seq_tf.tasks.tagging.data import join_lines, read_words

    config = restorer.config
    path = FLAGS.data or config.data.test
    if not path:
        raise InputError("the run has no test set; give --data")
    max_lines = FLAGS.max_lines or config.data.max_lines
    seed = config.train.seed if FLAGS.seed is None else FLAGS.seed
    paragraphs = join_lines(read_words(path), max_lines=max_lines, seed=seed)
    words = [[word.core.lower() for word in row] for row in paragraphs]
    truth = [label_of(word) for row in paragraphs for word in row]
    begin = time.perf_counter()
    predicted = [label for row in restorer.labels(words, restorer.log_probs(words)) for label in row]
    seconds = time.perf_counter() - begin
    usual = [restorer.forms.usual.get(word, "lower") for row in words for word in row]
    results = {
        "model": case_and_mark_scores(truth, predicted),
        "lower case, no marks": case_and_mark_scores(truth, ["lower"] * len(truth)),
        "each word as most often in training": case_and_mark_scores(truth, usual),
    }
    print(f"{len(truth):,} words in {len(paragraphs):,} paragraphs of {path}, restored in {seconds:.1f} s")
    print(restorer.weights)
    _print_report(results)
    _show(restorer, paragraphs[: FLAGS.show])
    if FLAGS.json:
        run = {"model_dir": FLAGS.model_dir, "weights": str(restorer.weights)}
        about = {**run, "data": path, "max_lines": max_lines, "seed": seed, "seconds": seconds}
        written = {name: _record(scores) for name, scores in results.items()}
        write_text(FLAGS.json, to_json({**about, "words": len(truth), **written}, indent=2) + "\n")
    return 0


def _load() -> PunctuationRestorer:
    folder = run_folder.model_dir(TaggingConfig)
    program.import_tensorflow()
    from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer

    return run_folder.say_weights(PunctuationRestorer.load(folder))


def _print_report(results: dict[str, CaseAndMarks]) -> None:
    header = ["", "words right", "F1 of case", "F1 of marks"]
    rows = [
        [name, *(f"{100 * x:6.2f}" for x in (scores.accuracy, scores.case.f1, scores.mark.f1))]
        for name, scores in results.items()
    ]
    print("\n" + format_table(header, rows))
    scores = results["model"]
    for name, by_label, together in (("case", scores.cases, scores.case), ("mark", scores.marks, scores.mark)):
        print("\n" + format_table([name, "words", "precision", "recall", "F1"], score_rows([*by_label, together])))


def _show(restorer: PunctuationRestorer, paragraphs: list[list[Word]]) -> None:
    given = [bare(words) for words in paragraphs]
    for words, text, made in zip(paragraphs, given, restorer.restore(given), strict=True):
        true = " ".join(word.before + word.core + word.after for word in words)
        print(f"\n  given     {text}\n  restored  {made}\n  true      {true}")


def _record(scores: CaseAndMarks) -> dict[str, Any]:
    return {
        "accuracy": scores.accuracy,
        "case_f1": scores.case.f1,
        "punctuation_f1": scores.mark.f1,
        "case": {s.label: s._asdict() for s in [*scores.cases, scores.case]},
        "punctuation": {s.label: s._asdict() for s in [*scores.marks, scores.mark]},
    }


COMMANDS = {
    "train": program.Command(
        "trains on text that has case and punctuation, or resumes a run that was stopped",
        lambda: training.define_flags(TaggingConfig),
        _train,
        """
        seq2seq-tag train --config=configs/restore_case.yaml --model_dir=runs/restore
        """,
    ),
    "restore": program.Command(
        "restores case and punctuation, line by line",
        _restore_flags,
        restore,
        """
        echo "how are you mr smith" | seq2seq-tag restore --model_dir=runs/restore
        seq2seq-tag restore --model_dir=runs/restore --input=bare.txt.gz --output=restored.txt
        """,
        is_filter=True,
    ),
    "evaluate": program.Command(
        "reports precision, recall and F1 of case and of each mark",
        _evaluate_flags,
        evaluate,
        """
        seq2seq-tag evaluate --model_dir=runs/restore --data=held_out.txt --show=3
        """,
    ),
}


def run() -> None:
    """Entry point."""
    program.run_commands(COMMANDS)


if __name__ == "__main__":
    run()
