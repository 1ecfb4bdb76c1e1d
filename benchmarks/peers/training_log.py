"""Reads the training speed from a peer's log: python3 training_log.py PEER LOG PEAK.json WARMUP LOG_EVERY OUT.json

Rates are over real target tokens: pieces and the end of the sentence, no padding. Blocks of LOG_EVERY updates that
end within the first WARMUP updates are left out.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple


class Block(NamedTuple):
    """What a log line reports about the updates since the previous line."""

    update: int  # the last one
    seconds: float
    target_tokens: float


_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d+)")
_JOEY = re.compile(r"Step: +(\d+),.*Tokens per Sec: +(\d+)")
_ONMTPY = re.compile(r"Step +(\d+)/.*bsz: +(\d+)/ *(\d+)/ *(\d+); +(\d+)/ *(\d+) tok/s")
_ONMTTF = re.compile(r"Step = (\d+) ; steps/s = ([\d.]+), tokens/s = \d+ \(\d+ source, (\d+) target\)")
_MARIAN = re.compile(r"Up\. (\d+) : Sen\. [\d,]+ : Cost \S+.*? : Time ([\d.]+)s : ([\d.,]+) words/s")


def _clock(line: str) -> float:
    found = _CLOCK.search(line)
    if not found:
        return 0.0
    hours, minutes, seconds, fraction = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")


def joey_blocks(lines: Iterator[str], log_every: int) -> Iterator[Block]:
    """JoeyNMT reports tokens per second; the time is that between two lines."""
    before = 0.0
    for line in lines:
        if "EPOCH" in line and not before:
            before = _clock(line)
        if found := _JOEY.search(line):
            seconds = (_clock(line) - before) % 86400
            yield Block(int(found[1]), seconds, float(found[2]) * seconds)
            before = _clock(line)


def onmtpy_blocks(lines: Iterator[str], log_every: int) -> Iterator[Block]:
    """OpenNMT-py reports tokens per update and tokens per second."""
    for line in lines:
        if found := _ONMTPY.search(line):
            tokens = float(found[3]) * log_every
            yield Block(int(found[1]), tokens / max(float(found[6]), 1.0), tokens)


def onmttf_blocks(lines: Iterator[str], log_every: int) -> Iterator[Block]:
    """OpenNMT-tf reports updates and tokens per second, whole numbers; the time between lines is more exact."""
    before = 0.0
    for line in lines:
        found = _ONMTTF.search(line)
        if found and float(found[2]) > 0:
            now = _clock(line)
            seconds = (now - before) % 86400 if before else log_every / float(found[2])
            before = now
            yield Block(int(found[1]), seconds, float(found[3]) * seconds)


def marian_blocks(lines: Iterator[str], log_every: int) -> Iterator[Block]:
    """Marian reports words per second and the time."""
    for line in lines:
        if found := _MARIAN.search(line):
            seconds = float(found[2])
            yield Block(int(found[1]), seconds, float(found[3].replace(",", "")) * seconds)


READERS = {"joey": joey_blocks, "onmtpy": onmtpy_blocks, "onmttf": onmttf_blocks, "marian": marian_blocks}


def main(peer: str, log: str, peak: str, warmup: int, log_every: int, out: str) -> int:
    """Writes OUT.json; returns the exit code."""
    with open(log, encoding="utf-8", errors="replace") as file:
        blocks = [block for block in READERS[peer](file, log_every) if block.update > warmup]
    if not blocks:
        print(f"error: {log}: no updates after the first {warmup}; its last lines show why", file=sys.stderr)
        return 2
    with open(peak, encoding="utf-8") as file:
        taken = json.load(file)
    seconds = sum(block.seconds for block in blocks)
    tokens = sum(block.target_tokens for block in blocks)
    updates = len(blocks) * log_every
    result = {
        "program": peer,
        "precision": "float32",
        "target_tokens_per_s": tokens / seconds,
        "target_tokens_per_update": tokens / updates,
        "updates": updates,
        "seconds": seconds,
        "peak_mib": taken["peak_mib"],
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(result, file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6]))
