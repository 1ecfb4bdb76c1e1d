"""One self-contained HTML page of what a network does: coloured texts, attention maps, figures and tables.

The page needs no network and no other file, and forbids itself both (Content-Security-Policy); it can be opened from
disk, sent by mail and printed. Without its script, texts and maps still show, only not coloured by unit.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import struct
from collections.abc import Sequence
from typing import NamedTuple, Protocol
from urllib.parse import quote

import numpy as np

from seq2seq_tf.files import write_text
from seq2seq_tf.inspection.coloured_text import largest
from seq2seq_tf.inspection.page_code import SCRIPT, STYLE
from seq2seq_tf.inspection.text_grid import visible

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_NUMBER = re.compile(r"[-+\N{MINUS SIGN}]?[\d.,]+(e[-+]?\d+)?\s?%?|nan|[-+]?inf|[-\N{EN DASH}]?")
_PNG_START = b"\x89PNG\r\n\x1a\n"
_FULL = 32767  # of int16


class Section(Protocol):
    """A part of a page; an empty title gives no heading and no entry in the contents."""

    @property
    def title(self) -> str: ...

    def body(self) -> str:
        """Returns HTML."""
        ...


class Paragraphs(NamedTuple):
    """Plain text; an empty line parts paragraphs."""

    title: str
    text: str

    def body(self) -> str:
        return "\n".join(f"<p>{_escape(part.strip())}</p>" for part in re.split(r"\n\s*\n", self.text) if part.strip())


class ColouredText(NamedTuple):
    """A text coloured by the value of a unit that the reader chooses; the first one to begin with."""

    title: str
    symbols: Sequence[str]  # T characters (a str will do) or pieces
    units: Sequence[str]  # names of U units
    values: np.ndarray  # [T, U]
    notes: Sequence[str] = ()  # [U], shown beside the names; or none

    def body(self) -> str:
        if self.values.shape != (len(self.symbols), len(self.units)) or not self.units:
            raise ValueError(f"{len(self.symbols)} symbols and {len(self.units)} units: values {self.values.shape}")
        notes = [f" ({note})" if note else "" for note in self.notes or [""] * len(self.units)]
        labels = [_escape(unit + note) for unit, note in zip(self.units, notes, strict=True)]
        options = "".join(f'<option value="{n}">{label}</option>' for n, label in enumerate(labels))
        return (
            f'<div class="bar"><label>Unit <select autocomplete="off">{options}</select></label>\n'
            '<span class="legend"><span class="low"></span><span class="ramp"></span><span class="high"></span>'
            f"</span>\n<output></output></div>\n<pre>{''.join(map(_span, self.symbols))}</pre>\n"
            f'<script type="application/json">{self._data()}</script>'
        )

    def _data(self) -> str:
        """Returns the values as JSON that may stand inside <script>: [U, T] int16, and what 32767 stands for."""
        if not np.isfinite(self.values).all():
            raise ValueError("values of a coloured text must be finite")
        scales = largest(self.values)  # [U]
        whole = np.rint(self.values / scales * _FULL).T.astype("<i2")
        data = {
            "units": [visible(unit) for unit in self.units],
            "scales": [float(f"{scale:.6g}") for scale in scales],
            "values": base64.b64encode(whole.tobytes()).decode(),
        }
        return json.dumps(data).replace("<", "\\u003c")


class AttentionMap(NamedTuple):
    """Which source pieces each target piece looked at."""

    caption: str
    source: Sequence[str]  # S pieces
    target: Sequence[str]  # T pieces
    weights: np.ndarray  # [T, S]


class AttentionMaps(NamedTuple):
    """Maps of several sentences, source pieces across and target pieces down."""

    title: str
    maps: Sequence[AttentionMap]

    def body(self) -> str:
        return "\n".join(_map(each) for each in self.maps)


class ImageAttention(NamedTuple):
    """Where on an image a captioner looked at each word; the colour is full at the largest weight of the word."""

    title: str
    png: bytes
    words: Sequence[str]  # T
    weights: np.ndarray  # [T, rows, columns]

    def body(self) -> str:
        if self.weights.ndim != 3 or len(self.weights) != len(self.words):
            raise ValueError(f"{len(self.words)} words: weights {self.weights.shape}")
        width, height = _size(self.png)
        frames = [_frame("image", np.zeros((1, 1)), (width, height), "")]
        for word, weights in zip(self.words, self.weights, strict=True):
            frames.append(_frame(word, weights, (width, height), f" <small>max {weights.max():.2f}</small>"))
        return f'<div class="frames" style="--png:url({_data_uri(self.png)})">\n{"".join(frames)}</div>'


class Picture(NamedTuple):
    """A figure with a caption."""

    title: str
    png: bytes
    caption: str

    def body(self) -> str:
        caption = _escape(self.caption)
        image = f'<img src="{_data_uri(self.png)}" alt="{caption or _escape(self.title)}">'
        return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


class Link(NamedTuple):
    """A cell of a table that leads to a unit of a coloured text on the page."""

    text: str
    unit: str


class Table(NamedTuple):
    """Rows of text; columns of numbers stand to the right."""

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
        kinds = [' class="r"' if each else "" for each in right]
        heads = "".join(f'<th scope="col"{k}>{_escape(c)}</th>' for c, k in zip(self.columns, kinds, strict=True))
        rows = [
            "".join(f"<td{kind}>{_cell(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) for row in self.rows
        ]
        body = "\n".join(f"<tr>{row}</tr>" for row in rows)
        table = f'<table class="rows"><thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>'
        caption = f"<figcaption>{_escape(self.caption)}</figcaption>" if self.caption else ""
        return f'<figure>{caption}<div class="scroll">{table}</div></figure>'


def page_html(title: str, sections: Sequence[Section]) -> str:
    """Returns the page; `write_page` writes it."""
    heading = _escape(title)
    entries, parts = [], []
    for number, section in enumerate(sections, 1):
        kind = ' class="coloured"' if isinstance(section, ColouredText) else ""
        name = _escape(section.title)
        parts.append(f'<section id="section-{number}"{kind}>\n{f"<h2>{name}</h2>" if name else ""}\n{section.body()}\n')
        if name:
            entries.append(f'<li><a href="#section-{number}">{name}</a></li>')
    contents = f'<nav aria-label="Contents"><ol>{"".join(entries)}</ol></nav>\n' if len(entries) > 2 else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{heading}</h1>\n{contents}"
        f"{''.join(part + '</section>' for part in parts)}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def write_page(path: str | os.PathLike[str], title: str, sections: Sequence[Section]) -> None:
    """Writes one HTML page with the sections in order; the file appears whole or not at all.

    Raises:
      InputError: the file cannot be written.
    """
    write_text(os.fspath(path), page_html(title, sections))


def _escape(text: str) -> str:
    return html.escape(visible(text))


def _span(symbol: str) -> str:
    kind = ' class="n"' if symbol == "\n" else ""
    return f"<span{kind}>{_escape(symbol)}</span>"


def _cell(cell: str | Link) -> str:
    if isinstance(cell, Link):
        return f'<a href="{_escape(f"#unit={_quote(cell.unit)}")}">{_escape(cell.text)}</a>'
    return _escape(cell)


def _quote(unit: str) -> str:
    return quote(visible(unit), safe="/")


def _map(found: AttentionMap) -> str:
    """Returns a table of weights; empty where a weight would round to zero."""
    if found.weights.shape != (len(found.target), len(found.source)):
        raise ValueError(f"{len(found.source)} by {len(found.target)} pieces: weights {found.weights.shape}")
    heads = "".join(f'<th scope="col"><span>{_escape(piece)}</span></th>' for piece in found.source)
    rows = []
    for piece, weights in zip(found.target, found.weights.tolist(), strict=True):
        rows.append(f'<tr><th scope="row">{_escape(piece)}</th>{"".join(map(_weight, weights))}</tr>')
    return (
        f'<figure><figcaption>{_escape(found.caption)}</figcaption>\n<div class="scroll"><table class="map">'
        f"<thead><tr><td></td>{heads}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table></div><output></output></figure>"
    )


def _weight(weight: float) -> str:
    if weight < 0.0005:
        return "<td></td>"
    shown = f"{weight:.2f}".removeprefix("0") if weight >= 0.005 else ""
    dark = ' class="d"' if weight > 0.8 else ""
    return f'<td{dark} style="--a:{_short(weight)}">{shown}</td>'


def _short(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")


def _frame(word: str, weights: np.ndarray, size: tuple[int, int], note: str) -> str:
    """Returns the image under a grid of weights [rows, columns]."""
    full = float(largest(weights.ravel()))
    cells = "".join(f'<i style="--a:{_short(weight / full)}"></i>' for weight in weights.ravel().tolist())
    rows, columns = weights.shape
    name = _escape(word)
    grid = f"grid-template: repeat({rows}, 1fr) / repeat({columns}, 1fr)"
    return (
        f'<figure><div class="image" role="img" aria-label="{name}" style="aspect-ratio: {size[0]} / {size[1]}">'
        f'<div class="over" style="{grid}">{cells}</div></div><figcaption>{name}{note}</figcaption></figure>\n'
    )


def _size(png: bytes) -> tuple[int, int]:
    """Returns width and height; they stand behind the signature, at a fixed place (PNG specification, 11.2.2)."""
    if not png.startswith(_PNG_START) or len(png) < 24:
        raise ValueError("an image of a page must be a PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _data_uri(png: bytes) -> str:
    _size(png)  # checks that it is one
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
