"""Which rows of a series form which batch: pure functions of (sizes, seed, epoch)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seq2seq_tf.tasks.forecasting.time_axis import phases


class Series(NamedTuple):
    """A series with the phases of its dates."""

    values: np.ndarray  # [N, V] float64
    calendar: np.ndarray  # [N or more, C] float32: beside each row, the phases of the date of the row after it


def series_of(values: np.ndarray, dates: np.ndarray | None, cycles: tuple[str, ...]) -> Series:
    """Returns a series for a network; with cycles, the dates reach at least one row beyond the values."""
    if not cycles or dates is None:
        return Series(values, np.zeros([len(values), 0], np.float32))
    return Series(values, phases(dates[1:], cycles))


def excerpts(series: Series, starts: np.ndarray, read: int, before: int, after: int) -> tuple[np.ndarray, np.ndarray]:
    """Cuts excerpts of equal length.

    Args:
      series: of N rows.
      starts: [B], the first row that each excerpt reads.
      read: T, number of rows that it reads.
      before: rows before those, from which changes are counted.
      after: rows after those, which are predicted.

    Returns:
      values [B, before + T + after, V] and calendar [B, T, C].
    """
    places = starts[:, np.newaxis] + np.arange(-before, read + after)  # [B, before + T + after]
    return series.values[places], series.calendar[places[:, before : before + read]]


def plan_windows(count: int, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Returns the numbers 0 to count - 1 of all windows, in batches, in a different order in each epoch."""
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return [order[at : at + batch_size] for at in range(0, count, batch_size)]


def row_starts(steps: int, rows: int, seed: int, epoch: int) -> tuple[np.ndarray, int]:
    """Returns where places that are read in parallel begin among `steps` steps, [rows], and how many steps each reads.

    The first begins at the first step and the last ends at the last one; those between begin, one after the other, at a
    place that is a function of (seed, epoch), so that every step is read in every epoch and batches differ.
    """
    if rows == 1:
        return np.zeros(1, np.int64), steps
    length = -(-steps // (rows - 1))  # rounded up
    offset = int(np.random.default_rng([seed, epoch]).integers(length))
    return np.clip(offset + (np.arange(rows) - 1) * length, 0, steps - length), length
