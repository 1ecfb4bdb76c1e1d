"""Runs a command and writes its time and peak memory: python3 peak.py OUT.json COMMAND ...

Memory is that of the largest single process among the command and its children.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time


def main(out: str, command: list[str]) -> int:
    """Returns the command's exit code."""
    begin = time.time()
    code = subprocess.call(command)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = {
        "wall_s": time.time() - begin,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,  # Linux counts in KiB
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(taken, file)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
