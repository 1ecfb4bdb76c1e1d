"""Dropout whose masks are a pure function of (the update's seed, site), so that a resumed run repeats them."""

from __future__ import annotations

import zlib

import tensorflow as tf


class Dropout:
    """Inverted dropout at one named site (Srivastava 2014).

    Args:
      rate: fraction of elements set to zero.
      site: name that distinguishes this mask from all others of the same update.
      shared_axes: axes over which one mask is shared: the time axis for variational dropout (Gal 2016), the unit
        axis for word dropout.
    """

    def __init__(self, rate: float, site: str, *, shared_axes: tuple[int, ...] = ()) -> None:
        self.rate = rate
        self.site = zlib.crc32(site.encode()) & 0x7FFFFFFF
        self.shared_axes = shared_axes

    def __call__(self, x: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
        """Returns x with elements dropped; unchanged if seed is None (inference). seed: [2] int32."""
        if seed is None or self.rate == 0.0:
            return x
        shape = tf.unstack(tf.shape(x))
        for axis in self.shared_axes:
            shape[axis] = 1
        site_seed = tf.random.experimental.stateless_fold_in(seed, self.site)
        keep = 1.0 - self.rate
        noise = tf.random.stateless_uniform(tf.stack(shape), site_seed, dtype=tf.float32)
        scale = tf.where(noise < keep, 1.0 / keep, 0.0)
        return x * tf.cast(scale, x.dtype)
