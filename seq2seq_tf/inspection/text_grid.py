"""A text on a grid of columns and rows, as on a terminal: wide characters, clusters, right-to-left order.

Every character has a cell of its own, so that it can be coloured. The units of drawing are an ASCII word, a word of a
script whose letters join, and otherwise a grapheme cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import wcwidth

from seq2seq_tf.text.scripts import is_right_to_left, script_of

TAB = 4  # columns between tab stops
_JOINED = frozenset(("Adlm", "Arab", "Mand", "Mong", "Nkoo", "Phag", "Rohg", "Syrc"))

# HTML and pictures cannot show control characters: the block Control Pictures of Unicode replaces them.
_CONTROLS = {n: 0x2400 + n for n in range(32) if n not in (9, 10)} | {0x7F: 0x2421}
_CONTROLS |= dict.fromkeys([*range(0x80, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], 0xFFFD)


class Cell(NamedTuple):
    """A character on the grid."""

    column: int
    width: int  # in columns
    character: str  # as drawn: brackets in right-to-left text are mirrored
    token: int  # index of the token, and so of the value, that it belongs to


class Drawn(NamedTuple):
    """A text that is drawn as a whole, starting at a column, or ending there if `to_the_left`."""

    column: int
    text: str
    to_the_left: bool = False


def visible(text: str) -> str:
    """Returns the text with control characters other than tab and LF replaced by their Unicode pictures."""
    return text.translate(_CONTROLS)


def grid(tokens: Sequence[str], columns: int) -> list[list[Cell]]:
    """Returns rows of cells in the order of the text, with their columns; a line end has a cell after the last one.

    Rows are `columns` + 1 wide, for line ends. A long line continues in the next row. A line whose first letter is
    written from right to left starts at the right.
    """
    rows: list[list[Cell]] = [[]]
    column = 0
    for n, token in enumerate(tokens):
        for character in visible(token):
            width = _width(character, column)
            if column + width > columns and character != "\n":
                rows.append([])
                column = 0
            rows[-1].append(Cell(column, width, character, n))
            column += width
            if character == "\n":
                rows.append([])
                column = 0
    if len(rows) > 1 and not rows[-1]:
        rows.pop()  # nothing follows the last line end
    return _in_visual_order(rows, columns)


def _width(character: str, column: int) -> int:
    if character == "\t":
        return TAB - column % TAB
    return 1 if character == "\n" else max(0, wcwidth.wcwidth(character))


def _in_visual_order(rows: list[list[Cell]], columns: int) -> list[list[Cell]]:
    """Returns the rows, those with right-to-left text with their cells in visual order."""
    found, base = [], ""
    for row in rows:
        if any(is_right_to_left(script_of(cell.character)) for cell in row) or base == "R":
            placed, base = _bidirectional(row, columns, base)
            found.append(placed)
        else:
            found.append(row)
        if row and row[-1].character == "\n":
            base = ""  # each line has its own direction
    return found


def _bidirectional(row: list[Cell], columns: int, base: str) -> tuple[list[Cell], str]:
    """Returns the cells of a row in the order of the text, with their visual columns, and its direction, "L" or "R".

    Args:
      row: its cells in the order of the text.
      columns: width of the grid; a row whose direction is "R" starts at its right edge.
      base: direction of the line that the row continues; "" for the first row of a line, whose first letter decides.
    """
    from bidi import algorithm  # imported here, as few texts need it

    clusters = _clusters([cell for cell in row if cell.character != "\n"])
    heads = "".join(cluster[0].character for cluster in clusters)
    storage: dict[str, Any] = algorithm.get_empty_storage()
    storage["base_level"] = {"L": 0, "R": 1, "": algorithm.get_base_level(heads)}[base]
    base = storage["base_dir"] = "LR"[storage["base_level"]]
    algorithm.get_embedding_levels(heads, storage)
    for n, character in enumerate(storage["chars"]):
        character["place"] = n  # survives the steps; the first one drops direction marks
    for step in (
        algorithm.explicit_embed_and_overrides,
        algorithm.resolve_weak_types,
        algorithm.resolve_neutral_types,
        algorithm.resolve_implicit_levels,
        algorithm.reorder_resolved_levels,
        algorithm.apply_mirroring,
    ):
        step(storage, False)
    total = sum(cell.width for cell in row if cell.character != "\n")
    column = 0 if base == "L" else columns + 1 - total
    placed: dict[int, list[Cell]] = {}
    for character in storage["chars"]:
        cluster = clusters[character["place"]]
        cluster[0] = cluster[0]._replace(character=character["ch"])
        placed[character["place"]] = list(_side_by_side(cluster, column))
        column += sum(cell.width for cell in cluster)
    cells = [cell for n in sorted(placed) for cell in placed[n]]
    if row and row[-1].character == "\n":
        cells.append(row[-1]._replace(column=column if base == "L" else columns - total))
    return cells, base


def _side_by_side(cluster: list[Cell], column: int) -> Iterator[Cell]:
    for cell in cluster:
        yield cell._replace(column=column)
        column += cell.width


def _clusters(cells: list[Cell]) -> list[list[Cell]]:
    """Returns the cells grouped by grapheme cluster: a letter with its marks, a syllable."""
    found, start = [], 0
    for text in wcwidth.iter_graphemes("".join(cell.character for cell in cells)):
        found.append(cells[start : start + len(text)])
        start += len(text)
    return found


def drawn(row: list[Cell]) -> Iterator[Drawn]:
    """Yields the texts to draw for the cells of a row, without white space and the signs for it."""
    word: list[Cell] = []  # of joined letters; their columns decrease
    plain: dict[int, str] = {}  # column -> ASCII character
    for cluster in _clusters([cell for cell in row if cell.character != "\n"]):
        joined = is_right_to_left(script_of(cluster[0].character)) and script_of(cluster[0].character) in _JOINED
        if word and not (joined and cluster[0].column < word[-1].column):
            yield _word(word)
            word = []
        if joined:
            word += cluster
        elif any(cell.width for cell in cluster):
            text = "".join(cell.character for cell in cluster)
            if text.isascii():
                plain[cluster[0].column] = text
            else:
                yield Drawn(cluster[0].column, text)
    if word:
        yield _word(word)
    line = "".join(plain.get(n, " ") for n in range(max(plain, default=-1) + 1))
    for found in re.finditer(r"[!-~]+", line):
        yield Drawn(found.start(), found.group())


def _word(word: list[Cell]) -> Drawn:
    return Drawn(word[0].column + word[0].width, "".join(cell.character for cell in word), True)
