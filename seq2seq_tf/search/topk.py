"""The k largest of each row, found by blocks: much cheaper than `tf.math.top_k` over a whole vocabulary."""

from __future__ import annotations

import tensorflow as tf

_FEW_COLUMNS = 1024
BLOCK = 64  # columns per block; only k blocks and the columns after the last whole block are searched in detail


def top_k(rows: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns values and column numbers of the k largest of each row, exactly as `tf.math.top_k(rows, k)` does.

    A value among the k largest lies in one of the k blocks with the largest maxima (or in the columns after the
    last whole block), so only these are searched. Blocks stay in column order, so of equal values the earlier column
    comes first, as in tf.math.top_k.

    Args:
      rows: [N, V] float32.
      k: [] int32, at most V.
    """
    if rows.shape[1] is not None and rows.shape[1] < _FEW_COLUMNS:
        values, ids = tf.math.top_k(rows, k)  # blocks are not worth it
        return values, tf.cast(ids, tf.int64)
    return _by_blocks(rows, k)


def log_sum_exp(rows: tf.Tensor, largest: tf.Tensor) -> tf.Tensor:
    """Returns log sum exp of each row [N], given its largest value [N, 1], which saves the pass that finds it."""
    return tf.math.log(tf.reduce_sum(tf.exp(rows - largest), 1)) + largest[:, 0]


def _by_blocks(rows: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    count, columns = tf.shape(rows)[0], rows.shape[1] or tf.shape(rows)[1]
    blocks = columns // BLOCK
    whole = blocks * BLOCK
    grouped = tf.reshape(rows[:, :whole], [count, blocks, BLOCK])
    some = tf.minimum(k, blocks)
    best = tf.math.top_k(tf.reduce_max(grouped, 2), some).indices
    chosen = tf.sort(tf.cast(best, tf.int64), axis=1)  # [N, some]
    candidates = tf.reshape(tf.gather(grouped, chosen, batch_dims=1), [count, some * BLOCK])
    ids = tf.reshape(
        chosen[:, :, tf.newaxis] * BLOCK + tf.constant(list(range(BLOCK)), tf.int64), [count, some * BLOCK]
    )
    if not isinstance(whole, int) or whole < columns:  # the columns after the last whole block
        rest = tf.tile(tf.range(whole, columns, dtype=tf.int64)[tf.newaxis], [count, 1])  # [N, V % BLOCK]
        candidates = tf.concat([candidates, rows[:, whole:]], 1)
        ids = tf.concat([ids, rest], 1)
    values, places = tf.math.top_k(candidates, k)
    return values, tf.gather(ids, places, batch_dims=1)
