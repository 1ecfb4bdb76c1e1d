"""seq2seq-train trains a translator.

Repeating the command resumes a run where it stopped, with the same result as if it had never stopped. Ctrl-C and
SIGTERM end training after a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seq2seq_tf.cli import program, training
from seq2seq_tf.tasks.translation.config import TranslationConfig


def main() -> int:
    """Trains until done or stopped; returns the exit code."""
    return training.train(TranslationConfig, _prepare)


def _prepare(run: Any, config: TranslationConfig, say: Callable[[str], None]) -> Any:
    from seq2seq_tf.tasks.translation.task import prepare

    return prepare(run, config, say)


COMMAND = program.Command(
    "trains a translator, or resumes a run that was stopped",
    lambda: training.define_flags(TranslationConfig),
    main,
    """
    seq2seq-train --config=configs/quickstart_en_de.yaml --model_dir=runs/en_de
    seq2seq-train --config=my.yaml --model_dir=runs/mine --train.max_epochs=30 --model.decoder_units=768
    """,
)


def run() -> None:
    """Entry point."""
    program.run(COMMAND)


if __name__ == "__main__":
    run()
