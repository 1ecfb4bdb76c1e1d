"""The matrix-product speed of the machine, measured in the calling process: python benchmarks/matmul_speed.py

Prints GFLOP/s of square products, the reference for MFU (model FLOP/s divided by this).
"""

from __future__ import annotations

import time

from seq2seq_tf.machine import switch_on_onednn

switch_on_onednn()
import tensorflow as tf  # noqa: E402


def matmul_flops(dtype: tf.DType, size: int = 2048, repeats: int = 12) -> float:
    """Returns the FLOP/s of size x size products, the best of `repeats`, with one product per inter-op thread.

    Like the programs of this package, it gives each op one core and runs ops in parallel.
    """
    lanes = tf.config.threading.get_inter_op_parallelism_threads() or 1
    a = [tf.cast(tf.random.normal([size, size]), dtype) for _ in range(lanes)]
    b = tf.cast(tf.random.normal([size, size]), dtype)
    products = tf.function(lambda *xs: [tf.matmul(x, b) for x in xs])
    products(*a)
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        for c in products(*a):
            c.numpy()
        best = min(best, time.perf_counter() - begin)
    return lanes * 2.0 * size**3 / best


if __name__ == "__main__":
    for kind in (tf.float32, tf.bfloat16):
        print(f"{kind.name:<9} {matmul_flops(kind) / 1e9:8.0f} GFLOP/s")
