"""seq2seq-export exports a run as SavedModels.

Writes OUT/text (strings to strings) and OUT/ids (piece ids, for servers without tensorflow-text), but only after a
fresh process without this package has loaded both and reproduced the translations and scores of the Python API.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import NoReturn

from absl import flags

from seq2seq_tf.cli import program, run_folder
from seq2seq_tf.cli.flag_types import define_integer, define_output, define_path
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.text.lines import iter_lines

FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the program."""
    define_path("model_dir", None, "run folder of seq2seq-train")
    define_output("out", None, "folder to create", folder=True)
    define_path("sentences", None, "source sentences to compare on [default: those kept from the run's held-out set]")
    define_integer("compare", 50, "number of sentences to compare on", 1, 100_000)


def main() -> int:
    """Exports and reports the comparison; exit code 1 if the reloaded model differs."""
    if not FLAGS.model_dir or not FLAGS.out:
        raise InputError("--model_dir must name the run folder and --out the folder to create")
    folder = run_folder.model_dir(TranslationConfig)
    signal.signal(signal.SIGTERM, _end)
    program.import_tensorflow()
    from seq2seq_tf.tasks.translation.export import check_tensorflow_text, export
    from seq2seq_tf.tasks.translation.translator import Translator

    check_tensorflow_text()
    translator = run_folder.say_weights(Translator.load(folder))
    path = _sentences_file(translator.config.data.valid_source)
    real = (line for line in iter_lines(path) if translator.source.encode([line])[0])
    sentences = list(itertools.islice(real, FLAGS.compare))
    if not sentences:
        raise InputError(f"{path}: contains no sentence to compare on")
    try:
        comparison = export(translator, FLAGS.out, [*sentences, ""])
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"wrote {FLAGS.out}/text and {FLAGS.out}/ids: {translator.weights}")
    print(
        f"reloaded in a fresh process: {comparison.sentences} translations equal, scores within "
        f"{comparison.largest_score_difference:.1e} (relative)"
    )
    return 0


def _end(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)  # an exception, so that the temporary folder is removed


def _sentences_file(valid_source: str) -> str:
    """Returns the file of sentences to compare on: --sentences, else the run's own examples, else its held-out set."""
    from seq2seq_tf.training.run_dir import RunDir

    kept = RunDir(FLAGS.model_dir).examples
    found = FLAGS.sentences or (kept if os.path.exists(kept) else valid_source)
    if not FLAGS.sentences and not os.path.exists(found):
        raise InputError(
            f"{kept}: no such file, and neither is there {valid_source}, the held-out set of this run; give source "
            "sentences to compare on with --sentences"
        )
    return found


COMMAND = program.Command(
    "writes a run as SavedModels and checks them in a fresh process",
    define_flags,
    main,
    """
    seq2seq-export --model_dir=runs/de_en --out=exported/de_en
    """,
)


def run() -> None:
    """Entry point."""
    program.run(COMMAND)


if __name__ == "__main__":
    run()
