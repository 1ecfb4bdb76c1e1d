"""The figure of growth.py: up to four panels, one per kind of growth."""

from __future__ import annotations

from typing import Any

import matplotlib

matplotlib.use("Agg")  # no screen is needed

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

_WHOLE = FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
Rows = list[dict[str, float]]


def draw(found: dict[str, Any], path: str) -> None:
    """Draws the numbers of growth.py, with those of scaling.py if present, to a PNG file."""
    panels = [(name, panel) for name, panel in _PANELS.items() if found.get(name)]
    columns = 2 if len(panels) > 1 else 1
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(5.6 * columns, 4.2 * rows), squeeze=False)
    for axis, (name, panel) in zip(axes.flat, panels, strict=False):
        panel(axis, found[name])
        axis.grid(visible=True, which="major", alpha=0.3)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(f"{found['machine']}; {found.get('precision', '')} matrix products", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _column(rows: Rows, name: str) -> list[float]:
    return [row[name] for row in rows]


def _logarithmic(axis: Axes, ticks: list[float], *, y: bool) -> None:
    """Sets logarithmic scales, with tick labels in plain numbers and x ticks at the measured values."""
    axis.set_xscale("log")
    axis.set_xticks(ticks, minor=False)
    axis.set_xticks([], minor=True)
    axis.xaxis.set_major_formatter(_WHOLE)
    if y:
        axis.set_yscale("log")
        low, high = axis.get_ylim()
        steps = (1.0, 2.0, 5.0) if high < 1000 * low else (1.0,)
        axis.yaxis.set_major_locator(LogLocator(subs=steps))
        axis.yaxis.set_major_formatter(_WHOLE)
        axis.yaxis.set_minor_formatter(NullFormatter())


def draw_corpus(axis: Axes, rows: Rows) -> None:
    """Plots seconds and memory against the number of pairs."""
    pairs = _column(rows, "pairs")
    names = {"epoch_s": "an epoch (estimated)", "tokenise_s": "tokenising", "piece_model_s": "training the piece model"}
    for name, label in {**names, "plan_s": "planning an epoch"}.items():
        axis.plot(pairs, _column(rows, name), "o-", label=label)
    _logarithmic(axis, pairs, y=True)
    axis.set_ylim(top=50 * max(_column(rows, "epoch_s")))  # room for the legend
    axis.set_xlabel("training pairs")
    axis.set_ylabel("seconds")
    memory = axis.twinx()
    memory.plot(pairs, [row["train_peak_mib"] / 1024 for row in rows], "s--", color="gray", label="peak memory (right)")
    memory.set_ylim(0, 2.5 * max(row["train_peak_mib"] / 1024 for row in rows))  # keeps it away from the other lines
    memory.set_ylabel("GiB, training")
    handles = [*axis.get_lines(), *memory.get_lines()]
    axis.legend(handles, [str(handle.get_label()) for handle in handles], fontsize=8, loc="upper left")
    axis.set_title("Corpus")


def draw_lengths(axis: Axes, rows: Rows) -> None:
    """Plots milliseconds per sentence against its length in pieces."""
    lengths = _column(rows, "pieces")
    for name, label in (("beam5_ms", "translating, beam 5"), ("greedy_ms", "translating, greedy")):
        axis.plot(lengths, _column(rows, name), "o-", label=f"{label} (batches of 16)")
    axis.plot(lengths, _column(rows, "training_ms"), "o-", label="training, updates of equal size")
    _logarithmic(axis, lengths, y=True)
    axis.set_xlabel("pieces of the sentence and of its translation")
    axis.set_ylabel("milliseconds per sentence")
    axis.legend(fontsize=8)
    axis.set_title("Sentence length")


def draw_beams(axis: Axes, rows: Rows) -> None:
    """Plots sentences per second against the beam size, for each batch size."""
    for size in sorted({row["batch_tokens"] for row in rows}):
        chosen = [row for row in rows if row["batch_tokens"] == size]
        label = f"batches of {size:,.0f} source pieces"
        axis.plot(_column(chosen, "beam"), _column(chosen, "sentences_per_s"), "o-", label=label)
    axis.set_xticks(sorted({row["beam"] for row in rows}))
    axis.set_ylim(0, 1.1 * max(_column(rows, "sentences_per_s")))
    axis.set_xlabel("beam size (1 = greedy)")
    axis.set_ylabel("sentences per second")
    axis.legend(fontsize=8)
    axis.set_title("Beam and batch")


def draw_vocabularies(axis: Axes, rows: Rows) -> None:
    """Plots milliseconds per update against the vocabulary size."""
    sizes = _column(rows, "pieces")
    axis.plot(sizes, _column(rows, "update_ms"), "o-", label=f"updates of {rows[0]['tokens']:,.0f} target pieces")
    _logarithmic(axis, sizes, y=False)
    axis.set_ylim(0, 1.1 * max(_column(rows, "update_ms")))
    axis.set_xlabel("pieces in the vocabulary")
    axis.set_ylabel("milliseconds per update")
    axis.legend(fontsize=8, loc="upper left")
    axis.set_title("Vocabulary")


_PANELS = {
    "corpus": draw_corpus,
    "lengths": draw_lengths,
    "beams": draw_beams,
    "vocabularies": draw_vocabularies,
}
