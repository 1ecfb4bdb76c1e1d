"""Dates of a series: strict reading, even spacing, dates beyond the last row, and cycles as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError

_ISO = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d)?)?)?)?")
_LENGTHS = {"day": 86_400, "week": 7 * 86_400}  # seconds


def parse_date(text: str) -> np.datetime64:
    """Returns an ISO date to the second.

    Raises:
      ValueError: not YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DD HH:MM[:SS], or no day of the calendar.
    """
    if not _ISO.fullmatch(text):
        raise ValueError(text)
    return np.datetime64(text.replace(" ", "T"), "s")


def parse_dates(times: Iterable[object]) -> np.ndarray:
    """Returns dates [N] datetime64[s] of strings, `datetime`s or `datetime64`s.

    Raises:
      InputError: one of them is not a date, or not later than the one before.
    """
    found = []
    for time in times:
        try:
            found.append(parse_date(time) if isinstance(time, str) else np.datetime64(time, "s"))  # type: ignore[call-overload]
        except (TypeError, ValueError):
            found.append(np.datetime64("NaT", "s"))
        if np.isnat(found[-1]):
            raise InputError(f"times: {time!r} is not a date such as 2001-12-31")
    dates = np.array(found, "datetime64[s]")
    if (dates[1:] <= dates[:-1]).any():
        raise InputError("times must be in ascending order")
    return dates


class Spacing(NamedTuple):
    """The distance from one row to the next."""

    months: int  # 0: a number of seconds
    seconds: int

    def later(self, date: np.datetime64, steps: np.ndarray) -> np.ndarray:
        """Returns the dates a number of steps after another one."""
        if not self.months:
            return date + steps * np.timedelta64(self.seconds, "s")
        month = date.astype("datetime64[M]")
        within = date - month.astype("datetime64[s]")  # the day and hour within the month
        return (month + steps * np.timedelta64(self.months, "M")).astype("datetime64[s]") + within


def spacing_of(dates: np.ndarray) -> Spacing | None:
    """Returns the distance between neighbouring rows, in months or seconds; None if it varies or there is one row."""
    if len(dates) < 2:
        return None
    months = dates.astype("datetime64[M]")
    within = dates - months.astype("datetime64[s]")
    steps = np.diff(months.astype(np.int64))
    # A day after the 28th does not occur in every month.
    if (
        steps[0] > 0
        and (steps == steps[0]).all()
        and (within == within[0]).all()
        and within[0].astype(int) < 28 * 86400
    ):
        return Spacing(int(steps[0]), 0)
    gaps = np.diff(dates).astype(np.int64)
    return Spacing(0, int(gaps[0])) if (gaps == gaps[0]).all() else None


def extended(dates: np.ndarray, more: int, where: str) -> np.ndarray:
    """Returns the dates followed by `more` further ones at the same distance.

    Raises:
      InputError: the distance between the rows varies; `where` names their source.
    """
    spacing = spacing_of(dates)
    if spacing is None:
        raise InputError(f"{where}: the dates are not evenly spaced, so those to forecast are unknown")
    return np.concatenate([dates, spacing.later(dates[-1], np.arange(1, more + 1))])


def phases(dates: np.ndarray, cycles: Sequence[str]) -> np.ndarray:
    """Returns sine and cosine of the position in each cycle, [N, 2 * cycles] float32, for dates [N]."""
    found = []
    for cycle in cycles:
        if cycle == "year":
            year = dates.astype("datetime64[Y]")
            begin, end = (y.astype("datetime64[s]") for y in (year, year + 1))
            share = (dates - begin) / (end - begin)
        else:
            share = dates.astype(np.int64) % _LENGTHS[cycle] / _LENGTHS[cycle]
        found += [np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)]
    return np.stack(found, 1).astype(np.float32) if found else np.zeros([len(dates), 0], np.float32)


def shown(dates: np.ndarray) -> list[str]:
    """Returns dates as text, without a time of day that is midnight for all."""
    days = dates.astype("datetime64[D]")
    return [str(date) for date in (days if (days == dates).all() else dates)]
