"""Which hidden units of a model follow which property of a text: the search, its tables and its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError, nearest
from seq2seq_tf.inspection.page import ColouredText, Link, Paragraphs, Section, Table
from seq2seq_tf.inspection.properties import cut, properties_of_files
from seq2seq_tf.inspection.readings import SEPARATOR, Reading
from seq2seq_tf.inspection.units import BinaryScore, Ranking, Rankings, per_piece, rank_units, table

_HOW_TO_READ = """{read}

Units were ranked on the first half of this text. Every score is that of the second half, where nothing was chosen: \
the best of {units:,} units on one half is good there by chance, too. AUC is the probability that the unit, with the \
sign found on the first half, is higher on a {token} inside than on one outside; 0.5 is chance, 1 is perfect. \
Spearman is the correlation of ranks. A high score says that the unit follows the property on this text, not that it \
follows nothing else: letters, spaces and line starts, in the same tables, are what it is to be compared with.

In the text below, red is a positive value, blue a negative one; colours are full at the unit's largest value there.
"""


class UnitSearch(NamedTuple):
    """What was found on one text."""

    reading: Reading
    rankings: Rankings


def search_units(
    reading: Reading, kind: str, patterns: Sequence[str], *, top: int, units: Sequence[str] = ()
) -> UnitSearch:
    """Ranks the units of a reading by every property.

    Args:
      reading: text and activations.
      kind: of the text, "python" or "text".
      patterns: regular expressions, each a property more.
      top: units kept per property.
      units: names to choose from, checked; all if empty.

    Raises:
      InputError: a pattern that is no regular expression, a text too short.
    """
    if units:
        columns = unit_columns(reading, units)
        reading = reading._replace(values=reading.values[:, columns], names=list(units))
    files = properties_of_files(reading.files, SEPARATOR, kind, patterns)
    properties = per_piece(cut(files, 0, int(reading.spans[-1, 1])), reading.spans)
    return UnitSearch(reading, rank_units(reading.values, reading.names, properties, top))


def check_units(readings: Sequence[Reading], units: Sequence[str]) -> None:
    """Raises InputError for a unit that none of the readings has."""
    known = [name for reading in readings for name in reading.names]
    for unit in units:
        if unit not in known:
            raise InputError(f"no unit {unit!r}{nearest(unit, known)}; there are {known[0]} to {known[-1]}")


def unit_columns(reading: Reading, units: Sequence[str]) -> list[int]:
    """Returns the columns of units of a reading."""
    places = {name: n for n, name in enumerate(reading.names)}
    return [places[unit] for unit in units]


def overview(search: UnitSearch) -> tuple[list[str], list[list[str]]]:
    """Returns column names and a row per property: its best unit and the score of that on the second half."""
    columns = ["property", "in the text", "best unit", "is", "measure", "score", "selection half"]
    return columns, [_overview_row(ranking) for ranking in search.rankings.rankings]


def _overview_row(ranking: Ranking) -> list[str]:
    best = ranking.scores[0]
    rest = [f"{score_of(best):.3f}", f"{best.selected_by:.3f}"]
    if isinstance(best, BinaryScore):
        direction = "high inside" if best.sign > 0 else "low inside"
        return [ranking.property.name, f"{100 * ranking.share:.1f} %", best.unit, direction, "AUC", *rest]
    direction = "rising" if best.sign > 0 else "falling"
    return [ranking.property.name, f"mean {ranking.share:.2f}", best.unit, direction, "Spearman", *rest]


def score_of(score: Any) -> float:
    """Returns AUC or Spearman's correlation on the second half."""
    return score.auc if isinstance(score, BinaryScore) else score.spearman


def best_units(search: UnitSearch) -> dict[str, str]:
    """Returns property -> its best unit."""
    return {ranking.property.name: ranking.scores[0].unit for ranking in search.rankings.rankings}


def shown_part(reading: Reading, most: int) -> slice:
    """Returns the tokens to show: all, or, of a longer text, the first ones of the half that scores come from."""
    length = len(reading.tokens)
    if length <= most:
        return slice(0, length)
    return slice(length // 2, min(length, length // 2 + most))


def sections(search: UnitSearch, *, shown: int, chosen: Sequence[str] = ()) -> list[Section]:
    """Returns the sections of a page about one text.

    Args:
      search: what was found.
      shown: tokens of the coloured text, at most.
      chosen: units to colour by; those of the tables if empty.
    """
    reading, rankings = search.reading, search.rankings
    prefix = "" if reading.side == "text" else f"{reading.side.capitalize()}: "
    part = shown_part(reading, shown)
    read = (
        f"{len(reading.tokens):,} tokens of the {reading.side}, {len(reading.names):,} units. "
        f"Shown below: tokens {part.start + 1:,} to {part.stop:,}."
    )
    if rankings.skipped:
        read += f" Left out, as they do not change within a half of it: {', '.join(rankings.skipped)}."
    token = "character"
    if any(len(s) > 1 for s in reading.tokens):
        token = "piece"
        read += " A piece has the properties of its last character."
    text = _HOW_TO_READ.format(read=read, units=len(reading.names), token=token)
    listed = list(dict.fromkeys(score.unit for ranking in rankings.rankings for score in ranking.scores))
    names = list(chosen) or listed or reading.names[:1]
    found: list[Section] = [Paragraphs(f"{prefix}what was looked at", text)]
    if rankings.rankings:
        columns, rows = overview(search)
        linked = [[Link(cell, cell) if n == 2 else cell for n, cell in enumerate(row)] for row in rows]
        found.append(Table(f"{prefix}best unit of each property", columns, linked))
    found.append(
        ColouredText(
            f"{prefix}text coloured by a unit",
            reading.tokens[part],
            names,
            reading.values[part][:, unit_columns(reading, names)],
            [_note(search, name) for name in names],
        )
    )
    return found + [_ranking_table(prefix, ranking) for ranking in rankings.rankings]


def _ranking_table(prefix: str, ranking: Ranking) -> Table:
    columns, rows = table(ranking)
    linked: list[list[str | Link]] = [[Link(row[0], row[0]), *row[1:]] for row in rows]
    return Table(f"{prefix}{ranking.property.name}", columns, linked, ranking.property.description)


def _note(search: UnitSearch, unit: str) -> str:
    """Returns the property that a unit follows best among those it is ranked for, with its score."""
    found = [
        (abs(score.selected_by - 0.5) if isinstance(score, BinaryScore) else score.selected_by / 2, ranking, score)
        for ranking in search.rankings.rankings
        for score in ranking.scores
        if score.unit == unit
    ]
    if not found:
        return ""
    _, ranking, score = max(found, key=lambda entry: entry[0])
    return f"{ranking.property.name}: {'AUC' if isinstance(score, BinaryScore) else 'Spearman'} {score_of(score):.2f}"


def as_json(search: UnitSearch) -> dict[str, Any]:
    """Returns everything that was found, for a file."""
    return {
        "side": search.reading.side,
        "tokens": len(search.reading.tokens),
        "units": len(search.reading.names),
        "skipped": search.rankings.skipped,
        "properties": [
            {
                "name": ranking.property.name,
                "kind": ranking.property.kind,
                "description": ranking.property.description,
                "share": ranking.share,
                "units": [score._asdict() for score in ranking.scores],
            }
            for ranking in search.rankings.rankings
        ],
    }


def picture_values(reading: Reading, unit: str, most: int) -> tuple[Sequence[str], np.ndarray]:
    """Returns the tokens to draw and the values of a unit."""
    part = shown_part(reading, most)
    return reading.tokens[part], reading.values[part, unit_columns(reading, [unit])[0]]
