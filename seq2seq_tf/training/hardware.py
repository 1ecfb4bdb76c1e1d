"""What the machine can do, where a default depends on it."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from seq2seq_tf.config import Config

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


def with_precision(config: Config) -> Config:
    """Returns the configuration with train.precision=auto decided for this machine."""
    if config.train.precision != "auto":
        return config
    precision = "bfloat16" if fast_bfloat16() else "float32"
    return dataclasses.replace(config, train=dataclasses.replace(config.train, precision=precision))
