"""Labels texts: seq2seq-classify train|predict|evaluate --model_dir=runs/NAME ...

train     trains like seq2seq-train, with a configuration of `task: classification`
predict   prints the label of each line and its probability
evaluate  reports accuracy, confusion table, precision and recall on labelled texts
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from seq2seq_tf.cli import program, run_folder, standard_input, training
from seq2seq_tf.cli.flag_types import define_integer, define_output, define_path
from seq2seq_tf.cli.tables import format_table
from seq2seq_tf.data.label_scores import LabelScore, accuracy, confusion, score_rows, scores_by_label
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json, write_bytes, write_text
from seq2seq_tf.tasks.classification.config import ClassificationConfig

if TYPE_CHECKING:
    from seq2seq_tf.tasks.classification.classifier import Classifier

FLAGS = flags.FLAGS
_LENGTHS = (0, 10, 20, 40, 80)  # characters from which each row of the table of lengths begins


def _train() -> int:
    return training.train(ClassificationConfig, _prepare)


def _prepare(run: Any, config: ClassificationConfig, say: Callable[[str], None]) -> Any:
    from seq2seq_tf.tasks.classification.task import prepare

    return prepare(run, config, say)


def _predict_flags() -> None:
    define_path("model_dir", None, "run folder")
    define_integer("top", 1, "labels per line, best first", 1, 100_000)
    define_integer("window", 2048, "lines labelled together; larger is faster", 1, 1_000_000)


def predict() -> int:
    """Prints LABEL<TAB>PROBABILITY for each line of standard input, and an empty line for a line without text."""
    if FLAGS.model_dir:
        standard_input.announce(FLAGS.model_dir)
    classifier = _load()
    for texts in standard_input.windows(FLAGS.window):
        for found in classifier.classify(texts, top=FLAGS.top):
            print("\t".join(f"{label}\t{probability:.4f}" for label, probability in found))
        sys.stdout.flush()
    return 0


def _evaluate_flags() -> None:
    define_path("model_dir", None, "run folder")
    define_path("data", None, "folder with LABEL.txt for each label [default: data.test of the run]")
    define_integer("snippet", 0, "score a random snippet of this many characters of each text; 0 = whole texts", 0)
    define_integer("seed", 1, "seed for choosing the snippets", 0)
    define_output("json", None, "also write the results to this file")
    define_output("plot", None, "also write the confusion table to this file, as a PNG")
    define_integer("show", 0, "print this many texts with a wrong label", 0)


def evaluate() -> int:
    """Labels the texts of a folder, compares with their true labels and prints a report."""
    classifier = _load()
    from seq2seq_tf.data.labelled import read_labelled, snippets

    folder = FLAGS.data or classifier.config.data.test
    if not folder:
        raise InputError("the run has no test set; give --data")
    read = read_labelled(folder, classifier.labels)
    texts, truth, _ = read.only(classifier.non_empty(read.texts))
    if not texts:
        raise InputError(f"{folder}: no text in it")
    if FLAGS.snippet:
        texts = snippets(texts, FLAGS.snippet, FLAGS.seed)
    begin = time.perf_counter()
    log_probs = classifier.log_probs(texts)
    seconds = time.perf_counter() - begin
    right, predicted = np.asarray(truth), log_probs.argmax(1)
    table = confusion(right, predicted, len(classifier.labels))
    scores = scores_by_label(table, classifier.labels)
    by_length = _by_length(texts, right == predicted)
    what = f"parts of {FLAGS.snippet} characters of " if FLAGS.snippet else ""
    print(f"{what}{len(texts):,} texts of {folder}, labelled in {seconds:.1f} s; {classifier.weights}")
    _print_report(table, scores, by_length, classifier)
    for n in np.flatnonzero(right != predicted)[: FLAGS.show]:
        found, real = classifier.labels[predicted[n]], classifier.labels[right[n]]
        print(f"\n  {real}, labelled {found} ({np.exp(log_probs[n, predicted[n]]):.4f}): {texts[n]}")
    if FLAGS.json:
        result = {
            "model_dir": FLAGS.model_dir,
            "weights": str(classifier.weights),
            "data": folder,
            "snippet": FLAGS.snippet,
            "texts": len(texts),
            "accuracy": accuracy(table),
            "nll_per_text": float(-np.take_along_axis(log_probs, right[:, np.newaxis], 1).mean()),
            "labels": {s.label: s._asdict() for s in scores},
            "confusion": table.tolist(),
            "by_length": [{"characters": name, "texts": n, "accuracy": share} for name, n, share in by_length],
            "seconds": seconds,
        }
        write_text(FLAGS.json, to_json(result, indent=2) + "\n")
    if FLAGS.plot:
        _write_plot(FLAGS.plot, table, classifier)
    return 0


def _load() -> Classifier:
    folder = run_folder.model_dir(ClassificationConfig)
    program.import_tensorflow()
    from seq2seq_tf.tasks.classification.classifier import Classifier

    return run_folder.say_weights(Classifier.load(folder))


def _by_length(texts: list[str], right: np.ndarray) -> list[tuple[str, int, float]]:
    """Returns (range of characters, number of texts, share labelled correctly) for the ranges that have texts."""
    bucket = np.searchsorted(_LENGTHS, [len(text) for text in texts], side="right") - 1
    ends = [f"{low} to {high - 1}" for low, high in itertools.pairwise(_LENGTHS)] + [f"{_LENGTHS[-1]} and more"]
    chosen = [(name, right[bucket == n]) for n, name in enumerate(ends)]
    return [(name, len(part), float(part.mean())) for name, part in chosen if len(part)]


def _print_report(
    table: np.ndarray, scores: list[LabelScore], by_length: list[tuple[str, int, float]], classifier: Classifier
) -> None:
    labels = classifier.labels
    print(f"accuracy {100 * accuracy(table):.2f} %\n")
    print(format_table(["label", "texts", "precision", "recall", "F1"], score_rows(scores)))
    rows = [[label, *map(int, row)] for label, row in zip(labels, table, strict=True)]
    print("\n" + format_table(["true \\ predicted", *labels], rows))
    lengths = [[name, count, f"{100 * share:6.2f}"] for name, count, share in by_length]
    print("\n" + format_table(["characters", "texts", "accuracy"], lengths))


def _write_plot(path: str, table: np.ndarray, classifier: Classifier) -> None:
    from seq2seq_tf.inspection.confusion import confusion_png

    write_bytes(path, confusion_png(table, classifier.labels))


COMMANDS = {
    "train": program.Command(
        "trains a classifier on a folder of texts, or resumes a run that was stopped",
        lambda: training.define_flags(ClassificationConfig),
        _train,
        """
        seq2seq-classify train --config=configs/language_id.yaml --model_dir=runs/language_id
        """,
    ),
    "predict": program.Command(
        "labels the lines of standard input",
        _predict_flags,
        predict,
        """
        echo "Wie geht es dir?" | seq2seq-classify predict --model_dir=runs/language_id --top=3
        """,
        is_filter=True,
    ),
    "evaluate": program.Command(
        "reports accuracy and confusions on labelled texts",
        _evaluate_flags,
        evaluate,
        """
        seq2seq-classify evaluate --model_dir=runs/language_id --plot=confusion.png --json=scores.json
        """,
    ),
}


def run() -> None:
    """Entry point."""
    program.run_commands(COMMANDS)


if __name__ == "__main__":
    run()
