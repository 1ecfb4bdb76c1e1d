"""Windows and chunks cover the training rows exactly, and are a function of seed and epoch."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq_tf.tasks.forecasting.windows import (
    Series,
    excerpts,
    plan_windows,
    row_starts,
    series_of,
)


def test_an_excerpt_is_the_rows_around_its_start(rng: np.random.Generator) -> None:
    series = Series(rng.normal(size=[31, 2]), rng.normal(size=[31, 4]).astype(np.float32))
    values, calendar = excerpts(series, np.array([3, 17]), 7, 2, 5)
    for row, start in enumerate((3, 17)):
        np.testing.assert_array_equal(values[row], series.values[start - 2 : start + 12])
        np.testing.assert_array_equal(calendar[row], series.calendar[start : start + 7])


def test_the_calendar_beside_a_row_is_that_of_the_next_row() -> None:
    dates = np.datetime64("2001-01-01", "s") + np.arange(4) * np.timedelta64(6, "h")
    found = series_of(np.zeros([3, 1]), dates, ("day",))
    np.testing.assert_allclose(found.calendar, [[1, 0], [0, -1], [-1, 0]], atol=1e-6)
    assert series_of(np.zeros([3, 1]), None, ()).calendar.shape == (3, 0)


def test_an_epoch_has_every_window_once_in_an_order_of_its_own() -> None:
    plan = plan_windows(23, 5, seed=3, epoch=1)
    assert [len(batch) for batch in plan] == [5, 5, 5, 5, 3]
    assert sorted(np.concatenate(plan).tolist()) == list(range(23))
    np.testing.assert_array_equal(np.concatenate(plan), np.concatenate(plan_windows(23, 5, 3, 1)))
    assert (np.concatenate(plan) != np.concatenate(plan_windows(23, 5, 3, 2))).any()
    assert (np.concatenate(plan) != np.concatenate(plan_windows(23, 5, 4, 1))).any()


@pytest.mark.parametrize(("steps", "rows"), [(97, 1), (97, 2), (97, 7), (5, 13), (1, 3)])
def test_places_read_in_parallel_cover_every_step_in_every_epoch(steps: int, rows: int) -> None:
    offsets = set()
    for epoch in range(20):
        starts, length = row_starts(steps, rows, 3, epoch)
        assert len(starts) == rows
        covered = {step for start in starts for step in range(start, start + length)}
        assert covered == set(range(steps))
        np.testing.assert_array_equal(starts, row_starts(steps, rows, 3, epoch)[0])
        offsets.add(tuple(starts.tolist()))
    assert len(offsets) > 5 or rows < 3 or steps < 10
