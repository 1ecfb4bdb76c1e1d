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

Units were ranked on the first half of this text. Every score comes from the second half, which was not used for the \
ranking: the best of {units:,} units on one half looks good there partly by chance. AUC is the probability that the \
unit, with the sign found on the first half, is higher on a {token} inside than on one outside; 0.5 is chance, 1 is \
perfect. Spearman is the rank correlation. A high score means that the unit follows the property on this text, not \
that it follows nothing else: compare it with the scores for upper-case letters, spaces and line starts.

In the text below, positive values are red and negative ones blue; the unit's largest absolute value in that text has \
the full colour.
"""


class UnitSearch(NamedTuple):
    """The result of a search on one text."""

    reading: Reading
    rankings: Rankings


def search_units(
    reading: Reading, kind: str, patterns: Sequence[str], *, top: int, units: Sequence[str] = ()
) -> UnitSearch:
    """Ranks the units of a reading by every property.

    Args:
      reading: text and activations.
      kind: kind of text, "python" or "text".
      patterns: regular expressions, each of which adds a property.
      top: number of units kept per property.
      units: names of the units to rank, already checked with `check_units`; all units if empty.

    Raises:
      InputError: the kind is unknown, a pattern is not a regular expression, the text is too short, or a unit has
        values that are not finite.
    """
    if units:
        columns = unit_columns(reading, units)
        reading = reading._replace(values=reading.values[:, columns], names=list(units))
    files = properties_of_files(reading.files, SEPARATOR, kind, patterns)
    properties = per_piece(cut(files, 0, int(reading.spans[-1, 1])), reading.spans)
    return UnitSearch(reading, rank_units(reading.values, reading.names, properties, top))


def check_units(readings: Sequence[Reading], units: Sequence[str]) -> None:
    """Raises InputError if none of the readings has one of the units."""
    known = [name for reading in readings for name in reading.names]
    for unit in units:
        if unit not in known:
            raise InputError(f"no unit {unit!r}{nearest(unit, known)}; the units are {known[0]} to {known[-1]}")


def unit_columns(reading: Reading, units: Sequence[str]) -> list[int]:
    """Returns the columns of the named units in the values of a reading."""
    places = {name: n for n, name in enumerate(reading.names)}
    return [places[unit] for unit in units]


def overview(search: UnitSearch) -> tuple[list[str], list[list[str]]]:
    """Returns column names and a row per property: its best unit and that unit's score on the second half."""
    columns = ["property", "share or mean", "best unit", "direction", "measure", "score", "selection half"]
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
    """Returns the AUC or Spearman's correlation on the second half."""
    return score.auc if isinstance(score, BinaryScore) else score.spearman


def best_units(search: UnitSearch) -> dict[str, str]:
    """Returns property -> its best unit."""
    return {ranking.property.name: ranking.scores[0].unit for ranking in search.rankings.rankings}


def shown_part(reading: Reading, most: int) -> slice:
    """Returns the range of tokens to show: all, or the first `most` of the half on which units are scored."""
    length = len(reading.tokens)
    if length <= most:
        return slice(0, length)
    return slice(length // 2, min(length, length // 2 + most))


def sections(search: UnitSearch, *, shown: int, chosen: Sequence[str] = ()) -> list[Section]:
    """Returns the sections of a page about one text.

    Args:
      search: the result for the text.
      shown: largest number of tokens of the coloured text.
      chosen: units to colour by; those in the tables if empty.
    """
    reading, rankings = search.reading, search.rankings
    prefix = "" if reading.side == "text" else f"{reading.side.capitalize()}: "
    part = shown_part(reading, shown)
    read = (
        f"{len(reading.tokens):,} tokens of the {reading.side}, {len(reading.names):,} units. "
        f"Shown below: tokens {part.start + 1:,} to {part.stop:,}."
    )
    if rankings.skipped:
        read += f" Left out because they are constant in one half: {', '.join(rankings.skipped)}."
    token = "character"
    if any(len(s) > 1 for s in reading.tokens):
        token = "piece"
        read += " A piece has the properties of its last character."
    text = _HOW_TO_READ.format(read=read, units=len(reading.names), token=token)
    listed = list(dict.fromkeys(score.unit for ranking in rankings.rankings for score in ranking.scores))
    names = list(chosen) or listed or reading.names[:1]
    found: list[Section] = [Paragraphs(f"{prefix}what was read", text)]
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
    """Returns the property that a unit follows best, among those that list it, with its score."""
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
    """Returns the whole result as values for JSON."""
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
