"""Positions in a Transformer, which would otherwise see a sequence as a set: added to its inputs, or as rotations.

Both turn position p into angles p / 10000^(2i / units), i = 0 ... units / 2 - 1, so any length has positions, also one
that never occurred in training.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

_BASE = 10_000.0


def sinusoidal(positions: tf.Tensor, units: int) -> tf.Tensor:
    """Returns a vector per position (Vaswani 2017, section 3.5).

    Args:
      positions: [T] int32, from 0.
      units: even; the sines come first, then the cosines of the same angles.

    Returns:
      [T, units].
    """
    angles = _angles(positions, units)
    return tf.concat([tf.sin(angles), tf.cos(angles)], -1)


def rotate(x: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Rotates queries or keys by their positions, so that products depend on distances only (Su 2021, RoFormer).

    Units i and i + d/2 are a point of the plane, which is rotated by angle i.

    Args:
      x: [..., T, d], d even.
      positions: [T] int32, from 0.

    Returns:
      [..., T, d].
    """
    units = x.shape[-1]
    angles = _angles(positions, units)  # [T, d/2]
    sines, cosines = tf.sin(angles), tf.cos(angles)
    first, second = x[..., : units // 2], x[..., units // 2 :]
    return tf.concat([first * cosines - second * sines, first * sines + second * cosines], -1)


def _angles(positions: tf.Tensor, units: int) -> tf.Tensor:
    """Returns the angles [T, units / 2]."""
    rates = _BASE ** (-np.arange(0, units, 2) / units)
    return tf.cast(positions, tf.float32)[:, tf.newaxis] * tf.constant(rates, tf.float32)
