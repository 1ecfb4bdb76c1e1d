"""What the machine can do, where a default depends on it."""

from __future__ import annotations

import ctypes
import dataclasses
import os

import tensorflow as tf

from seq2seq_tf.config.loading import AnyConfig

_MAX_SHARDS = 4  # each shard needs rows enough for its products
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # of malloc.h
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def fast_bfloat16() -> bool:
    """Whether matrix products in bfloat16 are faster here than in float32: a GPU, or a CPU with such instructions."""
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            flags = next((line for line in file if line.startswith("flags")), "")
    except OSError:  # not Linux
        return False
    return bool(_BFLOAT16_FLAGS & set(flags.split()))


def cores() -> int:
    """Number of CPU cores this process may use."""
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
    """Tells the C library (glibc) to keep little freed memory; call at the start of a program.

    Its default gives every thread an arena of its own and raises the size from which memory goes straight back to
    the system up to 32 MiB; the large arrays of a training step then stay behind in several arenas (measured: a
    tenth of the peak memory, for no speed).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_MMAP_THRESHOLD, 4 << 20)


def use_cores_side_by_side() -> None:
    """Lets TensorFlow run one op per core instead of one op on all cores; call before anything is computed.

    Recurrent steps are small: two of them side by side are faster than one after the other, each on two cores.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(cores())
