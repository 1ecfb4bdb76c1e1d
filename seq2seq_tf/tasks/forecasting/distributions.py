"""What a network predicts of a number: a Gaussian or a set of quantiles, with loss, inverse distribution and mean.

All functions work in the network's unit (scaled numbers) and on any leading shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from seq2seq_tf.tasks.forecasting.config import ForecastModelConfig

_BOUND = 10.0  # of a log-variance: deviations from 0.007 to 150 scales, far from any overflow


class Distribution(Protocol):
    """A family of distributions of a real number; params: [..., P] float32."""

    parameters: int  # P

    def loss(self, params: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """Returns the loss [...] of numbers z [...]."""

    def inverse(self, params: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
        """Returns the numbers [...] below which a share u [...], above 0 and below 1, of the probability lies."""

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """Returns the means [...]."""


class Gaussian:
    """Mean and log-variance; the loss is the negative log-likelihood in nats (Nix and Weigend 1994).

    The log-variance is bounded smoothly: s = 10 tanh(raw / 10).
    """

    parameters = 2

    def loss(self, params: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """-log N(z; m, exp(s)) = (log(2 pi) + s + (z - m)^2 exp(-s)) / 2."""
        mean, log_variance = params[..., 0], self._log_variance(params)
        return 0.5 * (math.log(2.0 * math.pi) + log_variance + tf.square(z - mean) * tf.exp(-log_variance))

    def inverse(self, params: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
        """m + exp(s / 2) * Phi^-1(u)."""
        return params[..., 0] + tf.exp(0.5 * self._log_variance(params)) * tf.math.ndtri(u)

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """See `Distribution.mean`."""
        return params[..., 0]

    def _log_variance(self, params: tf.Tensor) -> tf.Tensor:
        return _BOUND * tf.tanh(params[..., 1] / _BOUND)


class Quantiles:
    """Quantiles at fixed levels; the loss is their mean pinball loss (Koenker and Bassett 1978).

    They cannot cross: the first is predicted, and from each to the next the logarithm of (1 + exp(raw)) is added.
    Between the levels the inverse distribution is linear, and beyond the outermost it continues their last slopes.

    Args:
      levels: ascending, between 0 and 1.
    """

    def __init__(self, levels: Sequence[float]) -> None:
        self.levels = np.asarray(levels, np.float32)  # [P]
        self.parameters = len(levels)
        widths = np.diff(self.levels)
        self._widths = np.concatenate([[self.levels[0]], widths, [1.0 - self.levels[-1]]]).astype(np.float32)  # [P+1]
        self._starts = np.concatenate([[0.0], self.levels]).astype(np.float32)  # [P + 1]

    def values(self, params: tf.Tensor) -> tf.Tensor:
        """Returns the quantiles [..., P], ascending."""
        return tf.concat([params[..., :1], params[..., :1] + tf.cumsum(tf.nn.softplus(params[..., 1:]), -1)], -1)

    def loss(self, params: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """The mean over levels of max(level * e, (level - 1) * e), where e = z - quantile."""
        errors = z[..., tf.newaxis] - self.values(params)  # [..., P]
        return tf.reduce_mean(tf.maximum(self.levels * errors, (self.levels - 1.0) * errors), -1)

    def inverse(self, params: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
        """See `Distribution.inverse`."""
        lowest, slopes = self._line(params)
        return lowest + tf.reduce_sum(
            slopes * tf.clip_by_value(u[..., tf.newaxis] - self._starts, 0.0, self._widths), -1
        )

    def mean(self, params: tf.Tensor) -> tf.Tensor:
        """The integral of the inverse distribution over (0, 1)."""
        lowest, slopes = self._line(params)
        # The segment that begins at level l has risen by slope * width over all of (l + width, 1).
        weights = self._widths * (1.0 - self._starts - 0.5 * self._widths)
        return lowest + tf.reduce_sum(slopes * weights, -1)

    def _line(self, params: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the value at level 0 [...], and the slope of each segment [..., P + 1]."""
        values = self.values(params)
        inner = (values[..., 1:] - values[..., :-1]) / self._widths[1:-1]
        slopes = tf.concat([inner[..., :1], inner, inner[..., -1:]], -1)
        return values[..., 0] - slopes[..., 0] * self._widths[0], slopes


def distribution_of(config: ForecastModelConfig) -> Distribution:
    """Returns the configured distribution."""
    return Gaussian() if config.distribution == "gaussian" else Quantiles(config.levels)
