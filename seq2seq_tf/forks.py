"""TensorFlow does not survive a fork: its threads stay in the parent, and the child would wait for them forever."""

from __future__ import annotations

import os

from seq2seq_tf.errors import InputError

_computing: set[int] = set()  # ids of processes that have computed; a forked child inherits its parent's


def check_not_forked() -> None:
    """Refuses to compute in a forked process; call it before anything is computed with a loaded run.

    Raises:
      InputError: this process was forked from one that had already computed.
    """
    here = os.getpid()
    if _computing and here not in _computing:
        raise InputError(
            "this process was forked from one that had loaded a run, and TensorFlow would hang here; start "
            'workers with multiprocessing.get_context("spawn") and load the run in the child'
        )
    _computing.add(here)
