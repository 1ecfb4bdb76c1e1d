"""A one-line description of the machine, to print above a table."""

from __future__ import annotations

import datetime
import os
import platform

from seq2seq_tf.machine import ONEDNN, processor


def describe() -> str:
    """Returns date, cores, processor, operating system and oneDNN setting."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    onednn = os.environ.get(ONEDNN, "1")  # set by the programs, also in their child processes
    today = datetime.date.today().isoformat()
    return f"{today}, {cores} cores of {processor()}, {platform.system()}, {ONEDNN}={onednn}"
