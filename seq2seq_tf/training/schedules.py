"""The learning rate as a pure function of the update number."""

from __future__ import annotations

import math

from seq2seq_tf.config.common import TrainConfig


def learning_rate(config: TrainConfig, update: int, total: int, plateau_scale: float) -> float:
    """Returns the learning rate of an update.

    Args:
      config: peak rate, warm-up and schedule.
      update: its number, counted from 1.
      total: updates of the whole run; the cosine ends there (Loshchilov 2017).
      plateau_scale: product of the reductions so far, for schedule=plateau.
    """
    peak, warmup = config.learning_rate, config.warmup_updates
    if update <= warmup:
        return peak * update / warmup
    if config.schedule == "cosine":
        progress = min((update - warmup) / max(total - warmup, 1), 1.0)
        return peak * 0.5 * (1.0 + math.cos(math.pi * progress))
    if config.schedule == "inverse_sqrt":  # Vaswani 2017
        return peak * math.sqrt(max(warmup, 1) / update)
    if config.schedule == "plateau":
        return peak * plateau_scale
    return peak
