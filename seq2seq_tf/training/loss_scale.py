"""Dynamic loss scaling (Micikevicius 2018, section 3.2): gradients in float16 neither vanish nor overflow.

float16 cannot represent magnitudes below 6e-8 or above 65,504. So the loss is multiplied by a factor before the
backward pass, and the gradients of the weights, float32 again, are divided by it afterwards. The factor adapts: an
update whose gradients overflow is skipped and halves it; many good updates in a row double it.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from seq2seq_tf.config.common import TrainConfig

MIN_SCALE, MAX_SCALE = 1.0, 2.0**24


class LossScale:
    """The factor, with the state that a resumed run needs.

    Args:
      config: initial factor, and the number of good updates before it is doubled.
    """

    def __init__(self, config: TrainConfig) -> None:
        self._growth = config.loss_scale_growth
        self._scale = tf.Variable(config.loss_scale, trainable=False, dtype=tf.float32)
        self._good = tf.Variable(0, trainable=False, dtype=tf.int64)  # updates without overflow since the last change

    def state(self) -> dict[str, tf.Variable]:
        """Returns name -> variable of everything that a resumed run needs."""
        return {"scale": self._scale, "good": self._good}

    def scaled(self, total: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        """Returns the loss to differentiate: the mean per token times the factor.

        It is the mean, since its size does not grow with the batch.

        Args:
          total: [] summed loss.
          weight: [] number of tokens.
        """
        return total * (self._scale / tf.maximum(weight, 1.0))

    def unscaled(self, gradients: Sequence[tf.Tensor], weight: tf.Tensor) -> list[tf.Tensor]:
        """Returns the gradients of the summed loss, given those of `scaled`."""
        back = tf.maximum(weight, 1.0) / self._scale
        return [gradient * back for gradient in gradients]

    def update(self, finite: tf.Tensor) -> tf.Tensor:
        """Adapts the factor after an update.

        Args:
          finite: [] bool, whether loss and gradients were finite.

        Returns:
          [] bool, whether a smaller factor could still be tried.
        """
        scale, good = self._scale.read_value(), self._good.read_value()
        could_halve = scale > MIN_SCALE
        grown = good + 1 >= self._growth
        after_good = tf.where(grown, tf.minimum(2.0 * scale, MAX_SCALE), scale)
        self._scale.assign(tf.where(finite, after_good, tf.maximum(0.5 * scale, MIN_SCALE)))
        self._good.assign(tf.where(finite & ~grown, good + 1, tf.zeros_like(good)))
        return could_halve
