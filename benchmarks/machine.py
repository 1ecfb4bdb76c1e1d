"""The machine in one line, for the head of a table."""

from __future__ import annotations

import datetime
import os
import platform


def describe() -> str:
    """Returns date, cores, processor and operating system."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), name)
    except OSError:  # not Linux
        pass
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{datetime.date.today().isoformat()}, {cores} cores of {name}, {platform.system()}"
