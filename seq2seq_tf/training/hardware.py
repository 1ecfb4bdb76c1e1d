"""Defaults that depend on the hardware, and the use of memory and cores."""

from __future__ import annotations

import ctypes
import dataclasses
import os

import tensorflow as tf

from seq2seq_tf.config.loading import AnyConfig

_MAX_SHARDS = 4  # each shard needs enough rows for efficient matrix products
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # of malloc.h
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def fast_bfloat16() -> bool:
    """Returns whether matrix products are faster in bfloat16 than in float32: on a GPU or a CPU made for bfloat16."""
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            flags = next((line for line in file if line.startswith("flags")), "")
    except OSError:  # not Linux
        return False
    return bool(_BFLOAT16_FLAGS & set(flags.split()))


def cores() -> int:
    """Returns the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_this_machine(config: AnyConfig) -> AnyConfig:
    """Returns the configuration with train.precision=auto and train.shards=0 decided for this machine."""
    train = config.train
    if train.precision == "auto":
        train = dataclasses.replace(train, precision="bfloat16" if fast_bfloat16() else "float32")
    if train.shards == 0:
        gpu = tf.config.list_physical_devices("GPU")
        train = dataclasses.replace(train, shards=1 if gpu else min(cores(), _MAX_SHARDS))
    decided: AnyConfig = dataclasses.replace(config, train=train)  # type: ignore[type-var]  # all are dataclasses
    return decided


def give_back_freed_memory() -> None:
    """Makes the C library (glibc) keep little freed memory; call at the start of a program.

    By default every thread has an arena of its own, and the size above which memory goes straight back to the system
    grows up to 32 MiB; the large arrays of a training step then stay allocated in several arenas (measured: a tenth of
    the peak memory, for no gain in speed).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_MMAP_THRESHOLD, 4 << 20)


def use_cores_side_by_side() -> None:
    """Makes TensorFlow run one op per core instead of one op on all cores; call before anything is computed.

    Recurrent steps are small: two in parallel, each on one core, are faster than two in sequence, each on two cores.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(cores())
