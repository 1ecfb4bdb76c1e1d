"""Trains a translator: seq2seq-train --config=configs/NAME.yaml --model_dir=runs/NAME [--train.batch_tokens=4096 ...]

The same command again goes on where it stopped, with the same result as if it had never stopped. Ctrl-C and SIGTERM
end it after a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seq2seq_tf.bin import program, training
from seq2seq_tf.options.translation import Config

training.define_flags(Config)


def main() -> int:
    """Trains until done or stopped; returns the exit code."""
    return training.train(Config, _prepare)


def _prepare(run: Any, config: Config, say: Callable[[str], None]) -> Any:
    from seq2seq_tf.tasks.translation import prepare

    return prepare(run, config, say)


def run() -> None:
    """Entry point."""
    program.run(main)


if __name__ == "__main__":
    run()
