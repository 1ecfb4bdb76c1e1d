"""Series that come with installed packages: statsmodels' (public domain) and matplotlib's sample of share prices."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import iter_lines

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MACRO = ("realgdp", "realcons", "realinv", "unemp", "tbilrate", "infl")
_SHARES = ("IBM", "AAPL", "MSFT", "^GSPC")


class KnownSeries(NamedTuple):
    """A table of a series; the first column contains dates."""

    names: list[str]
    rows: list[list[str]]


class Source(NamedTuple):
    """Where a series comes from."""

    about: str
    read: Callable[[], KnownSeries]


def _data(name: str) -> Any:
    """Returns the data frame of one of statsmodels' data sets.

    Raises:
      InputError: statsmodels is not installed.
    """
    try:
        module = importlib.import_module(f"statsmodels.datasets.{name}")
    except ImportError:
        raise InputError(
            f"{name} comes with statsmodels, which is not installed: pip install 'seq2seq_tf[forecast]'"
        ) from None
    return module.load_pandas().data


def _yearly(name: str, year: str, column: str) -> KnownSeries:
    data = _data(name)
    rows = [[f"{int(y):04d}", f"{value:.10g}"] for y, value in zip(data[year], data[column], strict=True)]
    return KnownSeries(["time", name], rows)


def _elnino() -> KnownSeries:
    rows = [
        [f"{int(row['YEAR']):04d}-{n:02d}", f"{row[month]:.10g}"]
        for _, row in _data("elnino").iterrows()
        for n, month in enumerate(_MONTHS, start=1)
    ]
    return KnownSeries(["time", "temperature"], rows)


def _co2() -> KnownSeries:
    """Means of the weekly values of each month; the five months without any are interpolated."""
    monthly = _data("co2")["co2"].resample("MS").mean().interpolate()
    return KnownSeries(["time", "co2"], [[f"{date:%Y-%m}", f"{value:.4f}"] for date, value in monthly.items()])


def _macrodata() -> KnownSeries:
    rows = [
        [f"{int(row['year']):04d}-{3 * int(row['quarter']) - 2:02d}", *(f"{row[name]:.10g}" for name in _MACRO)]
        for _, row in _data("macrodata").iterrows()
    ]
    return KnownSeries(["time", *_MACRO], rows)


def _stocks() -> KnownSeries:
    """Monthly closing prices; the file also has rows for single days, on which some prices are missing."""
    from matplotlib import get_data_path

    lines = [line.split(",") for line in iter_lines(f"{get_data_path()}/sample_data/Stocks.csv") if line[:1] != "#"]
    places = [lines[0].index(name) for name in _SHARES]
    whole = [line for line in lines[1:] if line[0].endswith("-01") and all(line[place] for place in places)]
    rows = [[line[0][:7], *(f"{float(line[place]):.4f}" for place in places)] for line in whole]
    return KnownSeries(["time", *(name.strip("^") for name in _SHARES)], rows)


SOURCES = {
    "co2": Source("CO2 at Mauna Loa, parts per million, monthly means 1958-2001 (statsmodels)", _co2),
    "elnino": Source("sea surface temperature of the Pacific, monthly 1950-2010 (statsmodels)", _elnino),
    "macrodata": Source(f"United States, quarterly 1959-2009: {', '.join(_MACRO)} (statsmodels)", _macrodata),
    "nile": Source(
        "flow of the Nile at Aswan, yearly 1871-1970 (statsmodels)", lambda: _yearly("nile", "year", "volume")
    ),
    "stocks": Source(f"prices of {', '.join(_SHARES)}, monthly 1990-2022 (matplotlib)", _stocks),
    "sunspots": Source(
        "number of sunspots, yearly 1700-2008 (statsmodels)", lambda: _yearly("sunspots", "YEAR", "SUNACTIVITY")
    ),
}
