"""The k largest of each row, found by blocks: much cheaper than `tf.math.top_k` over a whole vocabulary."""

from __future__ import annotations

import tensorflow as tf

BLOCK = 64  # columns per block; k blocks and the rest of the row are all that is searched in detail


def top_k(rows: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns values and column numbers of the k largest of each row, exactly as `tf.math.top_k(rows, k)` does.

    A value among the k largest lies in one of the k blocks with the largest maxima (or in the columns past the last
    whole block), so only these are searched. Blocks stay in the order of their columns: of equal values the earlier
    column comes first, as in tf.math.top_k.

    Args:
      rows: [N, V] float32.
      k: [] int32, at most V.
    """
    count, columns = tf.shape(rows)[0], tf.shape(rows)[1]
    blocks = columns // BLOCK
    return tf.cond(
        blocks > 2 * k,  # otherwise the detour does not pay
        lambda: _by_blocks(rows, k, count, columns, blocks),
        lambda: tuple(tf.math.top_k(rows, k)),
    )


def log_sum_exp(rows: tf.Tensor, largest: tf.Tensor) -> tf.Tensor:
    """Returns log sum exp of each row [N], given its largest value [N, 1]: saves the pass that looks for it."""
    return tf.math.log(tf.reduce_sum(tf.exp(rows - largest), 1)) + largest[:, 0]


def _by_blocks(
    rows: tf.Tensor, k: tf.Tensor, count: tf.Tensor, columns: tf.Tensor, blocks: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    whole = blocks * BLOCK
    grouped = tf.reshape(tf.cond(whole < columns, lambda: rows[:, :whole], lambda: rows), [count, blocks, BLOCK])
    maxima = tf.reduce_max(grouped, 2)  # [N, blocks]
    chosen = tf.sort(tf.math.top_k(maxima, k).indices, axis=1)  # [N, k]
    candidates = tf.reshape(tf.gather(grouped, chosen, batch_dims=1), [count, k * BLOCK])
    ids = tf.reshape(chosen[:, :, tf.newaxis] * BLOCK + tf.range(BLOCK), [count, k * BLOCK])
    rest = tf.tile(tf.range(whole, columns)[tf.newaxis], [count, 1])  # [N, V % BLOCK]
    candidates = tf.concat([candidates, rows[:, whole:]], 1)
    ids = tf.concat([ids, rest], 1)
    values, places = tf.math.top_k(candidates, k)
    return values, tf.gather(ids, places, batch_dims=1)
