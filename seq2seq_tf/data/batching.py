"""The batch plan: a pure function of (lengths, seed, epoch) that assigns pairs to batches.

The number of updates and the share of padding are thus known before training, a resumed run can start at batch k, and
each of n workers takes every n-th batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, Batch

_BATCHES_AT_ONCE = 2
Chunk = tuple[int, int]  # start and stop of the steps that are read together


class Plan(NamedTuple):
    """The batches of one epoch."""

    batches: list[np.ndarray]  # indices of the pairs in each batch
    padding: float  # share of padding among all source and target positions

    def for_worker(self, worker: int, workers: int) -> list[np.ndarray]:
        """Returns every `workers`-th batch; all workers get the same number, and the remainder is dropped."""
        even = len(self.batches) - len(self.batches) % workers
        return self.batches[worker:even:workers]


def plan_epoch(
    source_lengths: np.ndarray, target_lengths: np.ndarray, *, batch_tokens: int, pool_pairs: int, seed: int, epoch: int
) -> Plan:
    """Plans one epoch.

    All pairs are shuffled, divided into pools of `pool_pairs`, sorted by length within each pool and divided into
    batches of at most `batch_tokens` padded tokens on the longer side (a longer pair is a batch of its own); then the
    batches are shuffled. New pools in each epoch matter: with the same length-sorted batches in every epoch, a model
    learns to be fluent but unfaithful.

    Args:
      source_lengths: [pairs] int, including EOS.
      target_lengths: [pairs] int, including EOS.
      batch_tokens: maximum number of padded tokens of a batch on its longer side.
      pool_pairs: number of pairs that are sorted by length together.
      seed: random seed of the run.
      epoch: number of the epoch; seed and epoch together determine the plan.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(source_lengths))
    batches: list[np.ndarray] = []
    real = padded = 0
    for start in range(0, len(order), pool_pairs):
        pool = order[start : start + pool_pairs]
        pool = pool[np.lexsort((source_lengths[pool], target_lengths[pool]))]
        source, target = source_lengths[pool], target_lengths[pool]
        real += int(source.sum()) + int(target.sum())
        at = 0
        while at < len(pool):
            size = _fitting(source[at:], target[at:], batch_tokens)
            batches.append(pool[at : at + size])
            padded += size * (int(source[at : at + size].max()) + int(target[at + size - 1]))
            at += size
    shuffled = [batches[n] for n in random.permutation(len(batches))]
    return Plan(shuffled, 1.0 - real / max(padded, 1))


def _fitting(source: np.ndarray, target: np.ndarray, batch_tokens: int) -> int:
    """Returns how many of the first pairs fit into one batch, at least one; `target` is sorted, `source` is not."""
    most = max(batch_tokens // int(target[0]), 1)
    longest = np.maximum(np.maximum.accumulate(source[:most]), target[:most])
    fits = longest * np.arange(1, len(longest) + 1) <= batch_tokens
    return max(int(np.argmin(fits)) if not fits.all() else len(fits), 1)


def pad_rows(rows: Sequence[np.ndarray | Sequence[int]], *, first: int = -1, last: int = -1) -> np.ndarray:
    """Returns the rows, each with an optional first and last id, as [B, longest] int32, padded with PAD."""
    extra = (first >= 0) + (last >= 0)
    width = max((len(row) for row in rows), default=0) + extra
    padded = np.full((len(rows), width), PAD_ID, np.int32)
    for n, row in enumerate(rows):
        start = 0
        if first >= 0:
            padded[n, 0] = first
            start = 1
        padded[n, start : start + len(row)] = row
        if last >= 0:
            padded[n, start + len(row)] = last
    return padded


def make_batch(sources: Sequence[np.ndarray | Sequence[int]], targets: Sequence[np.ndarray | Sequence[int]]) -> Batch:
    """Returns a padded batch of NumPy arrays from rows of ids without special ids."""
    return Batch(
        source=pad_rows(sources, last=EOS_ID),
        target_in=pad_rows(targets, first=BOS_ID),
        target_out=pad_rows(targets, last=EOS_ID),
    )


def round_up(lengths: np.ndarray, multiple: int) -> np.ndarray:
    """Returns the lengths rounded up to multiples of `multiple`."""
    return -(-lengths // multiple) * multiple


def pad_batch(batch: Batch, *, multiple: int, full_at: int = 0) -> Batch:
    """Returns a batch with more padding, so that batches have few distinct shapes.

    Args:
      batch: arrays [B, S], [B, T], [B, T].
      multiple: S and T are rounded up to multiples of this.
      full_at: if not 0, rows of PAD are added as long as the longer side has at most this many positions, so that
        (S, T) determines the shape. Such rows contain no tokens and thus have no weight.
    """
    rows = len(batch.source)
    widths = [int(round_up(np.array(array.shape[1]), multiple)) for array in batch]
    more = max(full_at // max(*widths, 1) - rows, 0)
    arrays = zip(batch, widths, strict=True)
    return Batch(*(np.pad(a, ((0, more), (0, width - a.shape[1])), constant_values=PAD_ID) for a, width in arrays))


def batches_by_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Yields the indices of all rows, longest first, in batches of at most `batch_tokens` padded tokens."""
    order = np.argsort(-np.asarray(lengths, np.int64), kind="stable").tolist()
    at = 0
    while at < len(order):
        size = max(batch_tokens // max(lengths[order[at]], 1), 1)
        yield order[at : at + size]
        at += size


def token_batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Yields batches like `batches_by_length` for rows to which an EOS is added; rows of length 0 are left out."""
    rows = [n for n, length in enumerate(lengths) if length]
    for chosen in batches_by_length([lengths[n] + 1 for n in rows], batch_tokens):
        yield [rows[n] for n in chosen]


def for_each_batch(work: Callable[[list[int]], None], batches: Iterable[list[int]]) -> None:
    """Calls a function with each batch, two at a time; raises an exception of the function.

    The steps of a recurrence are small: only concurrent batches keep all cores busy. TensorFlow releases the GIL.
    """
    planned = list(batches)
    if len(planned) == 1:
        work(planned[0])
        return
    with ThreadPoolExecutor(_BATCHES_AT_ONCE) as pool:
        list(pool.map(work, planned))


def plan_chunks(length: int, chunk: int) -> list[Chunk]:
    """Returns the chunks, in order, of rows of `length` steps; the last may be shorter than `chunk`."""
    return [(start, min(start + chunk, length)) for start in range(0, length, chunk)]
