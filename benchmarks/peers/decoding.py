"""Shared by the decoding programs of all peers: the test sentences, the clock and the file of results.

  python decode_PEER.py MODEL OUT.json BEAMS BATCHES SINGLE THREADS      for instance 5,1 32,64,128 50 2

Each peer offers one function (beam, batch size) -> translate function. Loading, tracing and one warm-up call are not
counted. The test sentences are cut into pieces already; ours does that within the time that is counted.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Translate = Callable[[Sequence[str]], "Translated"]
TEST = "data/test.pieces.source"
_WARMUP = 20  # sentences


class Translated(NamedTuple):
    """Hypotheses as pieces separated by spaces, in the order of the sources, and the seconds they took."""

    hypotheses: list[str]
    seconds: float


class Request(NamedTuple):
    """The arguments of the command line."""

    model: str
    out: str
    beams: list[int]
    batches: list[int]
    single: int  # sentences translated one by one
    threads: int

    @classmethod
    def read(cls) -> Request:
        """Reads the command line."""
        model, out, beams, batches, single, threads = sys.argv[1:]
        numbers = [int(n) for n in beams.split(",")], [int(n) for n in batches.split(",")]
        return cls(model, out, *numbers, int(single), int(threads))


def timed(translate: Callable[[Sequence[str]], list[str]]) -> Translate:
    """Returns `translate` with a clock around it."""

    def with_clock(sources: Sequence[str]) -> Translated:
        begin = time.perf_counter()
        hypotheses = translate(sources)
        return Translated(hypotheses, time.perf_counter() - begin)

    return with_clock


def measure(program: str, request: Request, prepare: Callable[[int, int], Translate]) -> None:
    """Times every beam with every batch size, then sentences one by one, and writes OUT.json."""
    with open(TEST, encoding="utf-8") as file:
        sources = [line.strip() for line in file]
    rows: list[dict[str, Any]] = []
    single: list[dict[str, Any]] = []
    texts: dict[str, list[str]] = {}
    for beam in request.beams:
        for batch in request.batches:
            translate = prepare(beam, batch)
            translate(sources[: min(batch, _WARMUP)])
            hypotheses, seconds = translate(sources)
            texts[str(beam)] = hypotheses
            pieces = sum(len(h.split()) + 1 for h in hypotheses)  # plus the end of the sentence
            rows.append(
                {
                    "beam": beam,
                    "batch": batch,
                    "unit": "sentences",
                    "sentences_per_s": len(sources) / seconds,
                    "pieces_per_s": pieces / seconds,
                    "mean_pieces": pieces / len(sources),
                }
            )
            print(json.dumps(rows[-1]), flush=True)
        translate = prepare(beam, 1)
        translate(sources[:5])
        times = [translate([source]).seconds for source in sources[: request.single]]
        single.append(
            {"beam": beam, "median_ms": 1e3 * statistics.median(times), "mean_ms": 1e3 * sum(times) / len(times)}
        )
        print(json.dumps(single[-1]), flush=True)
    result = {
        "program": program,
        "precision": "float32",
        "rows": rows,
        "single": single,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pieces": texts,
    }
    with open(request.out, "w", encoding="utf-8") as file:
        json.dump(result, file)
