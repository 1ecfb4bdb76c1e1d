"""Series of numbers from a CSV file, read strictly: a bad or missing number is reported with line and column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError, nearest
from seq2seq_tf.tasks.forecasting.config import ForecastingConfig, SeriesConfig
from seq2seq_tf.tasks.forecasting.time_axis import extended, parse_date
from seq2seq_tf.text.lines import iter_rows


class Table(NamedTuple):
    """The columns of a file that are forecast, and its dates."""

    path: str
    names: tuple[str, ...]  # V
    values: np.ndarray  # [N, V] float64
    dates: np.ndarray | None  # [N] datetime64[s]; None: the file has no column of dates


class Split(NamedTuple):
    """Where the held-out rows begin: train [0, valid), valid [valid, test), test [test, rows)."""

    valid: int
    test: int
    rows: int


def split_rows(rows: int, data: SeriesConfig) -> Split:
    """Returns how the rows of a file are divided; the last are the test rows."""
    test = rows - round(rows * data.test_share)
    return Split(test - round(rows * data.valid_share), test, rows)


def column_names(text: str) -> tuple[str, ...]:
    """Returns the names in an option such as `data.columns`."""
    return tuple(name.strip() for name in text.split(",")) if text.strip() else ()


def read_table(path: str, columns: Sequence[str], time: str) -> Table:
    """Reads the columns of a CSV file.

    Args:
      path: UTF-8, plain or `.gz`; fields are separated by commas.
      columns: names of the variables, in the order of the result; empty: all columns but that of the dates.
      time: name of the column of dates; ignored if there is none.

    Raises:
      InputError: the file cannot be read, has no such column, or a field is not a finite number, or a date that is not
        later than the one before; the message gives line and column.
    """
    lines = iter_rows(path)
    _, header = next(lines, (1, []))
    titles = [title.strip() for title in header]
    _check_header(path, titles)
    wanted = tuple(columns) or tuple(title for title in titles if title != time)
    for name in wanted:
        if name not in titles:
            raise InputError(f"{path}:1: no column {name!r}{nearest(name, titles)}; it has {', '.join(titles)}")
    if not wanted or time in wanted:
        raise InputError(f"{path}:1: no column of numbers beside that of the dates, {time!r}")
    places = [titles.index(name) for name in wanted]
    time_place = titles.index(time) if time in titles else None
    values: list[list[float]] = []
    dates: list[np.datetime64] = []
    for number, row in lines:
        if len(row) != len(titles):
            raise InputError(f"{path}:{number}: expected {len(titles)} fields as in the header, got {len(row)}")
        values.append([_number(row[place], f"{path}:{number}: column {titles[place]!r}") for place in places])
        if time_place is not None:
            dates.append(_date(row[time_place], f"{path}:{number}: column {time!r}", dates))
    if not values:
        raise InputError(f"{path}: no rows below the header")
    found = np.array(dates, "datetime64[s]") if time_place is not None else None
    return Table(path, wanted, np.array(values, np.float64), found)


def read_series(data: SeriesConfig) -> Table:
    """Reads the file of a run; see `read_table`.

    Raises:
      InputError: also if no file is named.
    """
    if not data.series:
        raise InputError("data.series must name a CSV file")
    return read_table(data.series, column_names(data.columns), data.time)


def calendar_dates(table: Table, config: ForecastingConfig, more: int) -> np.ndarray | None:
    """Returns the dates of a file and of `more` steps after it; None for a run that does not read the calendar.

    Raises:
      InputError: the run reads it, and the file has no dates or they are not evenly spaced.
    """
    if not config.model.cycles:
        return None
    if table.dates is None:
        raise InputError(f"{table.path}: model.calendar needs a column of dates named {config.data.time!r} (data.time)")
    return extended(table.dates, more, table.path)


def _check_header(path: str, titles: Sequence[str]) -> None:
    if not any(titles):
        raise InputError(f"{path}:1: expected the names of the columns, separated by commas")
    if all(_is_number(title) for title in titles):
        raise InputError(f"{path}:1: expected the names of the columns, got numbers")
    for place, title in enumerate(titles):
        if not title:
            raise InputError(f"{path}:1: column {place + 1} has no name")
        if title in titles[:place]:
            raise InputError(f"{path}:1: two columns are named {title!r}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str, where: str) -> float:
    if not text.strip():
        raise InputError(f"{where}: the number is missing; a series must be complete")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise InputError(f"{where}: expected a number, got {text.strip()!r}")
    return value


def _date(text: str, where: str, before: Sequence[np.datetime64]) -> np.datetime64:
    try:
        date = parse_date(text.strip())
    except ValueError:
        raise InputError(
            f"{where}: expected a date such as 2001, 2001-12 or 2001-12-31, got {text.strip()!r}"
        ) from None
    if before and date <= before[-1]:
        raise InputError(f"{where}: {text.strip()} is not later than the date in the row before")
    return date
