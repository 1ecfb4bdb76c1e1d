"""The page, picture and tables of how well the next token is predicted from the last k tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq_tf.inspection.fonts import figure_png
from seq2seq_tf.inspection.page import Paragraphs, Picture, Section, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = (8.4, 4.8)  # inches
_COLOURS = ("#1f5c99", "#d1571b", "#3a8a4d", "#7a4fa3", "#a3334f", "#4a8f93", "#8a6d3b", "#555555")
_READ = """Each point is the mean over the same tokens of the text, each predicted from only the k tokens before it. A \
recurrent network starts from the zero state k tokens back. "All" is what it gives when it has read the file from its \
beginning: what it remembers from farther back than the longest k is the difference between the last two points.

A window, AR(tau), cannot see more than tau tokens, so its curve is a point at k = tau; several are joined. With fewer \
tokens than tau the rest of its window is empty, which it hardly ever saw in training: the table has these numbers, \
too, but they show only that it relies on a full window. N-grams use interpolated Kneser-Ney smoothing with modified \
discounts (Chen and Goodman 1998) and have counted the whole training text once.

Where a curve becomes flat, a longer context no longer helps this model: either it cannot remember that far, or it has \
not learnt to.
"""


class Curve(NamedTuple):
    """Bits per character of one model after each length of context."""

    label: str
    kind: str  # "lstm", "window 8", "Kneser-Ney"
    parameters: int  # for n-grams, the number of different ones
    updates: int | None  # None if it was counted, not trained
    values: Mapping[int, float]  # length of context -> mean; nats per token until `scaled`
    errors: Mapping[int, float]  # length of context -> standard error of the mean
    whole: float | None  # after all tokens before each target; None if this is not another model than the last value
    reach: int | None  # the most tokens that the model can see; None: no limit

    def scaled(self, factor: float) -> Curve:
        """Returns the curve in another unit."""
        values, errors = ({k: v * factor for k, v in each.items()} for each in (self.values, self.errors))
        return self._replace(values=values, errors=errors, whole=None if self.whole is None else self.whole * factor)


class Contexts(NamedTuple):
    """What was measured."""

    lengths: tuple[int, ...]  # ascending
    curves: Sequence[Curve]
    targets: int  # tokens predicted after each length of context
    tokens: int  # of the whole text
    characters: int
    units: str  # what tokens are: "characters" or "pieces"

    @property
    def about(self) -> str:
        """Sentences that describe the measurement."""
        error = max(max(curve.errors.values()) for curve in self.curves)
        return (
            f"{self.targets:,} of the text's {self.tokens:,} tokens ({self.units}) are predicted, spread evenly, each "
            f"after {self.lengths[0]} to {self.lengths[-1]} tokens. Values are bits per character, lower is better; "
            f"the standard error of each is at most {error:.3f}, and much smaller for differences, as all models "
            "predict the same tokens."
        )


def rows(contexts: Contexts) -> tuple[list[str], list[list[str]]]:
    """Returns column names and a row per curve, for a terminal or a page."""
    columns = ["model", "kind", "parameters", "updates", *map(str, contexts.lengths), "all"]
    found = []
    for curve in contexts.curves:
        updates = "-" if curve.updates is None else f"{curve.updates:,}"
        values = [_shown(curve.values.get(length)) for length in contexts.lengths]
        found.append([curve.label, curve.kind, f"{curve.parameters:,}", updates, *values, _shown(curve.whole)])
    return columns, found


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def figure(contexts: Contexts) -> Figure:
    """Returns one panel: bits per character against the length of context, on a logarithmic axis."""
    from matplotlib.figure import Figure  # slow to import, needed only for pictures

    drawn = Figure(figsize=_SIZE, dpi=110, layout="constrained")
    axes = drawn.subplots()
    windows = sorted((c.reach, c.whole) for c in contexts.curves if c.reach and c.whole)
    ticks = sorted({*contexts.lengths, *(reach for reach, _ in windows)})
    end = 2 * ticks[-1]  # where "all" is
    colours = iter(_COLOURS * len(contexts.curves))
    for curve in contexts.curves:
        if not curve.reach:
            _draw(axes, curve, end, "black" if curve.updates is None else next(colours))
    if windows:
        axes.plot(*zip(*windows, strict=True), "s--", color=next(colours), label="window, AR(k)", linewidth=1.4)
    axes.set_xscale("log", base=2)
    axes.set_xticks([*ticks, end], [*map(str, ticks), "all"])
    axes.minorticks_off()
    axes.set_xlabel("length of context k, tokens")
    axes.set_ylabel("bits per character")
    axes.grid(True, color="#e6e6e6", linewidth=0.7)
    axes.legend(fontsize=8)
    return drawn


def _draw(axes: Axes, curve: Curve, end: int, colour: str) -> None:
    places, values = list(curve.values), list(curve.values.values())
    style = ":" if curve.updates is None else "-"
    axes.plot(places, values, f"o{style}", color=colour, label=curve.label, linewidth=1.4, markersize=3.5)
    if curve.whole is not None:
        axes.plot([places[-1], end], [values[-1], curve.whole], ":", color=colour, linewidth=1.0)
        axes.plot([end], [curve.whole], "o", color=colour, markersize=3.5)


def picture(contexts: Contexts) -> bytes:
    """Returns the figure as PNG."""
    return figure_png(figure(contexts))


def sections(contexts: Contexts) -> list[Section]:
    """Returns the sections of the page."""
    return [
        Paragraphs("What was measured", contexts.about),
        Picture("Bits per character against the length of context", picture(contexts), ""),
        Paragraphs("", _READ),
        Table("In numbers", *rows(contexts), 'Parameters of "n-grams" are the different n-grams that were counted.'),
    ]


def as_json(contexts: Contexts) -> dict[str, Any]:
    """Returns all numbers as values for JSON."""
    return {**contexts._asdict(), "curves": [curve._asdict() for curve in contexts.curves]}
