"""A self-contained HTML page that shows what a model does: coloured texts, attention maps, figures and tables.

The page needs neither the internet nor other files, and its Content-Security-Policy forbids both; it can be opened from
disk, sent by mail and printed. Without JavaScript it still shows texts and maps, but does not colour texts by unit.
"""

from __future__ import annotations

import base64
import functools
import io
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image, UnidentifiedImageError

from seq2seq_tf.files import write_text
from seq2seq_tf.inspection.coloured_text import NEGATIVE, POSITIVE, largest
from seq2seq_tf.inspection.text_grid import TAB, visible

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_NUMBER = re.compile(r"[-+\N{MINUS SIGN}]?[\d.,]+(e[-+]?\d+)?\s?%?|nan|[-+]?inf|[-\N{EN DASH}]?")
_FULL = 32767  # largest int16


class Section(Protocol):
    """A part of a page; with an empty title it has no heading and no entry in the table of contents."""

    @property
    def title(self) -> str: ...

    def body(self) -> str:
        """Returns HTML."""
        ...


class Paragraphs(NamedTuple):
    """Plain text; empty lines separate paragraphs."""

    title: str
    text: str

    def body(self) -> str:
        parts = [part.strip() for part in re.split(r"\n\s*\n", self.text)]
        return _render("paragraphs.html", parts=list(filter(None, parts)))


class ColouredText(NamedTuple):
    """A text coloured by the value of a unit that the reader chooses; initially the first."""

    title: str
    tokens: Sequence[str]  # T characters (a str is accepted) or pieces
    units: Sequence[str]  # names of U units
    values: np.ndarray  # [T, U]
    notes: Sequence[str] = ()  # [U], shown beside the names; may be empty

    def body(self) -> str:
        if self.values.shape != (len(self.tokens), len(self.units)) or not self.units:
            raise ValueError(
                f"{len(self.tokens)} tokens and {len(self.units)} units do not fit values {self.values.shape}"
            )
        notes = [f" ({note})" if note else "" for note in self.notes or [""] * len(self.units)]
        labels = [unit + note for unit, note in zip(self.units, notes, strict=True)]
        return _render("coloured_text.html", labels=labels, tokens=self.tokens, data=self._data())

    def _data(self) -> dict[str, Any]:
        """Returns the data for the script of the page: [U, T] int16, and for each unit the value of 32767."""
        if not np.isfinite(self.values).all():
            raise ValueError("the values of a coloured text must be finite")
        scales = largest(self.values)  # [U]
        whole = np.rint(self.values / scales * _FULL).T.astype("<i2")
        return {
            "units": [visible(unit) for unit in self.units],
            "scales": [float(f"{scale:.6g}") for scale in scales],
            "values": base64.b64encode(whole.tobytes()).decode(),
        }


class _Weight(NamedTuple):
    """A cell of an attention map."""

    shade: str  # opacity, 0 to 1; "" for none
    shown: str  # the printed weight
    dark: bool  # whether it needs light text


class AttentionMap(NamedTuple):
    """The attention of each target piece to the source pieces."""

    caption: str
    source: Sequence[str]  # S pieces
    target: Sequence[str]  # T pieces
    weights: np.ndarray  # [T, S]


class AttentionMaps(NamedTuple):
    """Maps of several sentences, source pieces across and target pieces down."""

    title: str
    maps: Sequence[AttentionMap]

    def body(self) -> str:
        maps = []
        for found in self.maps:
            if found.weights.shape != (len(found.target), len(found.source)):
                raise ValueError(
                    f"{len(found.target)} by {len(found.source)} pieces do not fit weights {found.weights.shape}"
                )
            cells = [list(map(_cell, row)) for row in found.weights.tolist()]
            rows = list(zip(found.target, cells, strict=True))
            maps.append({"caption": found.caption, "source": found.source, "rows": rows})
        return _render("attention_maps.html", maps=maps)


class _Frame(NamedTuple):
    """The image under a grid of weights."""

    word: str
    rows: int
    columns: int
    shades: Sequence[str]
    largest: str  # largest weight, or "" for none


class ImageAttention(NamedTuple):
    """Where in an image a captioner looked for each word; the word's largest weight has the full colour."""

    title: str
    png: bytes
    words: Sequence[str]  # T
    weights: np.ndarray  # [T, rows, columns]

    def body(self) -> str:
        if self.weights.ndim != 3 or len(self.weights) != len(self.words):
            raise ValueError(f"{len(self.words)} words do not fit weights {self.weights.shape}")
        frames = [_Frame("image", 1, 1, ["0"], "")]
        for word, weights in zip(self.words, self.weights, strict=True):
            full = float(largest(weights.ravel()))
            shades = [_short(weight / full) for weight in weights.ravel().tolist()]
            frames.append(_Frame(word, weights.shape[0], weights.shape[1], shades, f"{weights.max():.2f}"))
        return _render("image_attention.html", image=_data_uri(self.png), size=_size(self.png), frames=frames)


class Picture(NamedTuple):
    """A figure with a caption."""

    title: str
    png: bytes
    caption: str

    def body(self) -> str:
        return _render("picture.html", title=self.title, image=_data_uri(self.png), caption=self.caption)


class Link(NamedTuple):
    """A table cell that links to a unit of a coloured text on the page."""

    text: str
    unit: str


class Table(NamedTuple):
    """Rows of text; columns of numbers are right-aligned."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | Link]]
    caption: str = ""

    def body(self) -> str:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"each row of a table must have {len(self.columns)} cells")
        right = [
            bool(self.rows) and all(isinstance(row[n], str) and _NUMBER.fullmatch(str(row[n])) for row in self.rows)
            for n in range(len(self.columns))
        ]
        return _render("table.html", columns=self.columns, rows=self.rows, right=right, caption=self.caption)


def page_html(title: str, sections: Sequence[Section]) -> str:
    """Returns the HTML of a page with the sections in order.

    Raises:
      ValueError: a section has invalid data.
    """
    shown = [
        {"number": n, "title": each.title, "body": each.body(), "coloured": isinstance(each, ColouredText)}
        for n, each in enumerate(sections, 1)
    ]
    return _environment().get_template("page.html").render(title=title, sections=shown)


def write_page(path: str | os.PathLike[str], title: str, sections: Sequence[Section]) -> None:
    """Writes one HTML page with the sections in order; the file is written completely or not at all.

    Raises:
      InputError: the file cannot be written.
      ValueError: a section has invalid data.
    """
    write_text(os.fspath(path), page_html(title, sections))


@functools.cache
def _environment() -> jinja2.Environment:
    """Returns the templates; they escape their values and show control characters as Unicode pictures."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("seq2seq_tf.inspection"),
        autoescape=lambda name: str(name).endswith(".html"),
        finalize=lambda value: visible(value) if type(value) is str else value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["visible"] = visible
    found.globals.update(positive=_numbers(POSITIVE), negative=_numbers(NEGATIVE), tab=TAB, policy=_POLICY)
    return found


def _numbers(colour: Sequence[int]) -> str:
    return ", ".join(map(str, colour))


def _render(template: str, **values: object) -> Markup:
    """Returns a part of a page, already escaped."""
    return Markup(_environment().get_template(template).render(values))


def _cell(weight: float) -> _Weight:
    if weight < 0.0005:
        return _Weight("", "", False)
    shown = f"{weight:.2f}".removeprefix("0") if weight >= 0.005 else ""
    return _Weight(_short(weight), shown, weight > 0.8)


def _short(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")


def _size(png: bytes) -> tuple[int, int]:
    """Returns width and height."""
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            return image.size
    except UnidentifiedImageError:
        raise ValueError("an image on a page must be a PNG") from None


def _data_uri(png: bytes) -> str:
    _size(png)  # checks that it is a PNG
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
