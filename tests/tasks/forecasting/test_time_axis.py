"""Dates: strict reading, the distance between rows, dates beyond the last row, and their place in a cycle."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.time_axis import (
    Spacing,
    extended,
    parse_date,
    parse_dates,
    phases,
    shown,
    spacing_of,
)


@pytest.mark.parametrize("text", ["1700", "1958-03", "2001-12-31", "2001-12-31 23:05", "2001-12-31T23:05:07"])
def test_a_date_can_have_any_precision(text: str) -> None:
    assert str(parse_date(text)).startswith(text.replace(" ", "T"))


@pytest.mark.parametrize("text", ["", "31.12.2001", "2001-13", "2001-02-30", "17000", "now", "2001-12-31Z", "x"])
def test_anything_else_is_no_date(text: str) -> None:
    with pytest.raises(ValueError):
        parse_date(text)


def test_dates_are_strings_or_datetimes_in_ascending_order() -> None:
    mixed = ["2001-01", datetime.datetime(2001, 2, 1), np.datetime64("2001-03")]
    np.testing.assert_array_equal(parse_dates(mixed), np.array(["2001-01", "2001-02", "2001-03"], "datetime64[s]"))
    with pytest.raises(InputError, match="ascending"):
        parse_dates(["2001-02", "2001-02"])
    for wrong in ("x", None, np.datetime64("NaT"), ["2001"]):
        with pytest.raises(InputError, match="times: .* is not a date such as 2001-12-31"):
            parse_dates([wrong])


@pytest.mark.parametrize(
    ("texts", "expected", "following"),
    [
        (["1999", "2000", "2001"], Spacing(12, 0), "2002-01-01T00:00:00"),
        (["1958-10", "1959-01", "1959-04"], Spacing(3, 0), "1959-07-01T00:00:00"),
        (["2000-01-15 06:00", "2000-02-15 06:00"], Spacing(1, 0), "2000-03-15T06:00:00"),
        (["2000-01-03", "2000-01-10", "2000-01-17"], Spacing(0, 7 * 86_400), "2000-01-24T00:00:00"),
        (["2000-02-28 23:00", "2000-02-29 00:00"], Spacing(0, 3600), "2000-02-29T01:00:00"),
    ],
)
def test_rows_at_equal_distances_are_continued(texts: list[str], expected: Spacing, following: str) -> None:
    dates = parse_dates(texts)
    assert spacing_of(dates) == expected
    assert str(extended(dates, 1, "x")[-1]) == following


def test_uneven_dates_have_no_distance() -> None:
    for texts in (["2000"], ["2000-01-03", "2000-01-04", "2000-01-07"], ["2000-01", "2000-02", "2000-04"]):
        assert spacing_of(parse_dates(texts)) is None
        with pytest.raises(InputError, match="x.csv: the dates are not evenly spaced"):
            extended(parse_dates(texts), 1, "x.csv")


def test_phases_are_the_place_in_a_cycle_and_repeat_after_it() -> None:
    found = phases(parse_dates(["2000-01-01", "2001-01-01", "2001-07-02 12:00"]), ["year", "day"])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, :2], [[0, 1], [0, 1], [0, -1]], atol=1e-6)
    np.testing.assert_allclose(found[:, 2:], [[0, 1], [0, 1], [0, -1]], atol=1e-6)
    hours = parse_dates([f"2000-01-{day:02d}" for day in range(1, 16)])
    weekly = phases(hours, ["week"])
    np.testing.assert_allclose(weekly[:8], weekly[7:], atol=1e-6)
    assert len(np.unique(weekly[:7].round(3), axis=0)) == 7
    assert phases(hours, []).shape == (15, 0)


def test_midnights_are_shown_as_days() -> None:
    assert shown(parse_dates(["2000-01", "2000-02"])) == ["2000-01-01", "2000-02-01"]
    assert shown(parse_dates(["2000-01-01 06:00"])) == ["2000-01-01T06:00:00"]
