"""TensorFlow does not survive a fork: its threads stay in the parent, and the child waits for them for good."""

from __future__ import annotations

import os

from seq2seq_tf.errors import InputError

_computing: set[int] = set()  # processes that have computed; a forked child inherits its parent's number


def check_not_forked() -> None:
    """Call before anything is computed with a loaded run.

    Raises:
      InputError: this process was forked from one that had computed already.
    """
    here = os.getpid()
    if _computing and here not in _computing:
        raise InputError(
            "this process was forked from one that had loaded a run, and TensorFlow would wait here for good; start "
            'workers with multiprocessing.get_context("spawn") and load the run in the child'
        )
    _computing.add(here)
