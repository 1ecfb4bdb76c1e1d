"""The tables of peers.sh: python table.py {train|decode} FOLDER      (in our environment, from the checkout)

Reads FOLDER/results/{train,decode}/ROUND.PROGRAM.json; several rounds of a program become one row.
"""

from __future__ import annotations

import glob
import json
import os
import statistics
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import sacrebleu
import sentencepiece

from benchmarks.machine import describe
from seq2seq_tf.errors import InputError

NAMES = {
    "ours": "**seq2seq_tf**",
    "onmttf": "OpenNMT-tf 2.32.0",
    "onmtpy": "OpenNMT-py 3.5.1",
    "joey": "JoeyNMT 2.3.0",
    "marian": "Marian 1.12.42 (a bigger model)",
}
Rounds = dict[tuple[str, str], list[dict[str, Any]]]  # (program, precision) -> what each round measured


def read_rounds(folder: str) -> Rounds:
    """Returns the results by program and precision, ours first, then in the order of NAMES."""
    found: Rounds = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
        found.setdefault((result["program"], result["precision"]), []).append(result)
    if not found:
        raise InputError(f"{folder}: no results; run train or decode first")
    order = list(NAMES)
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0][0]), item[0][1] != "float32")))


def ratios(rates: dict[tuple[str, str], float]) -> dict[tuple[str, str], tuple[str, str]]:
    """Returns the ratios of each rate to ours (at float32 if it was timed) and to the best peer's, as text."""
    ours = [rate for (program, _), rate in rates.items() if program == "ours"]
    peers = [rate for (program, _), rate in rates.items() if program != "ours"]
    return {
        key: (f"{rate / ours[0]:.2f}" if ours else "", f"{rate / max(peers):.2f}" if peers else "")
        for key, rate in rates.items()
    }


def each(values: Iterable[float], form: str = ",.0f") -> str:
    """Returns the values of all rounds as text."""
    return " / ".join(format(value, form) for value in values)


def print_rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a markdown table."""
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def print_training(rounds: Rounds) -> None:
    """Prints real target tokens per second."""
    rates = {key: statistics.fmean(r["target_tokens_per_s"] for r in found) for key, found in rounds.items()}
    against = ratios(rates)
    rows = [
        (
            NAMES[program],
            precision,
            each(r["target_tokens_per_s"] for r in found),
            f"{rates[program, precision]:,.0f}",
            *against[program, precision],
            f"{statistics.fmean(r['target_tokens_per_update'] for r in found):,.0f}",
            f"{max(r['peak_mib'] for r in found) / 1024:.2f} GiB",
        )
        for (program, precision), found in rounds.items()
    ]
    header = ("training", "precision", "target tokens/s, each round", "mean", "ratio to ours", "ratio to the best peer")
    print_rows((*header, "real target tokens per update", "peak memory"), rows)


class _Decoding:
    """The measurements of one program with one beam size, over all rounds."""

    def __init__(self, found: list[dict[str, Any]], beam: int) -> None:
        rows = [row for result in found for row in result["rows"] if row["beam"] == beam]
        speeds: dict[int, list[float]] = {}
        for row in rows:
            speeds.setdefault(row["batch"], []).append(row["sentences_per_s"])
        self.batch = max(speeds, key=lambda batch: statistics.fmean(speeds[batch]))
        self.speeds = speeds[self.batch]
        self.best = [row for row in rows if row["batch"] == self.batch]
        self.speed = statistics.fmean(self.speeds)
        self.latencies = [row["median_ms"] for result in found for row in result["single"] if row["beam"] == beam]
        self.latency = statistics.fmean(self.latencies)

    def mean(self, name: str) -> float:
        """Returns the mean of a number over the rounds, at the best batch size."""
        return statistics.fmean(row[name] for row in self.best)


def bleu(result: dict[str, Any], beam: int, folder: str) -> str:
    """Returns the BLEU of the translations that were timed."""
    with open(os.path.join(folder, "data", "test.target"), encoding="utf-8") as file:
        references = [line.rstrip("\n") for line in file]
    texts = result.get("texts", {}).get(str(beam))
    if texts is None:
        processor = sentencepiece.SentencePieceProcessor(model_file=os.path.join(folder, "data", "pieces.model"))
        texts = [processor.decode(line.split()) for line in result["pieces"][str(beam)]]
    if len(texts) != len(references):
        return ""
    return f"{sacrebleu.corpus_bleu(texts, [references]).score:.1f}"


def print_decoding(rounds: Rounds, folder: str) -> None:
    """Prints sentences per second at the best batch size, and the time of a single sentence."""
    rows = []
    beams = sorted({row["beam"] for found in rounds.values() for r in found for row in r["rows"]}, reverse=True)
    for beam in beams:
        measured = {key: _Decoding(found, beam) for key, found in rounds.items()}
        against = ratios({key: m.speed for key, m in measured.items()})
        faster = ratios({key: 1.0 / m.latency for key, m in measured.items()})
        for (program, precision), m in measured.items():
            found = rounds[program, precision]
            rows.append(
                (
                    f"{beam}",
                    NAMES[program],
                    precision,
                    f"{m.batch:,} {m.best[0]['unit']}",
                    each(m.speeds),
                    f"{m.speed:,.0f}",
                    *against[program, precision],
                    f"{m.mean('pieces_per_s'):,.0f}",
                    f"{m.mean('mean_pieces'):.1f}",
                    f"{each(m.latencies, '.1f')} ms",
                    faster[program, precision][1],
                    f"{max(r['peak_mib'] for r in found) / 1024:.2f} GiB",
                    bleu(found[-1], beam, folder),
                )
            )
    header = ["beam", "translating", "precision", "best batch", "sentences/s, each round", "mean", "ratio to ours"]
    header += ["ratio to the best peer", "pieces/s", "mean pieces out", "a single sentence"]
    header += ["its speed, ratio to the best peer"]
    print_rows([*header, "peak memory", "BLEU"], rows)


def main(kind: str, folder: str) -> None:
    """Prints one table."""
    rounds = read_rounds(os.path.join(folder, "results", kind))
    print(f"\n{describe()}\n")
    if kind == "train":
        print_training(rounds)
    else:
        print_decoding(rounds, folder)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
