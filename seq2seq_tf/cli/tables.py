"""Plain-text tables for reports."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import SEPARATING_LINE, DataRow, Line, TableFormat, tabulate

_ROW = DataRow("", "  ", "")
_FORMAT = TableFormat(
    lineabove=None,
    linebelowheader=Line("", "-", "  ", ""),
    linebetweenrows=None,
    linebelow=None,
    headerrow=_ROW,
    datarow=_ROW,
    padding=0,
    with_header_hide=None,
)


def format_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Returns lines of aligned columns: whole numbers (with thousands separators) to the right, the rest to the left.

    Widths are those in a terminal: Chinese, Japanese and Korean characters take two cells, combining marks none.
    """
    cells = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    align = ["right" if all(isinstance(row[i], int) for row in rows) else "left" for i in range(len(header))]
    # The header is passed as a row: tabulate would make each column two cells wider than its heading.
    lines = [list(header), SEPARATING_LINE, *cells]
    table = tabulate(lines, tablefmt=_FORMAT, disable_numparse=True, preserve_whitespace=True, colalign=align)
    return "\n".join(line.rstrip() for line in table.split("\n"))
