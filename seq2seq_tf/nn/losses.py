"""Label-smoothed cross-entropy over real tokens (Szegedy 2016), including the projection to the vocabulary.

The logits of a batch are the largest tensor of training ([tokens, V]). `projected_cross_entropy` keeps one array of
that size, passes over it only a few times, and has its own gradient; `plain_cross_entropy` is the textbook version that
it is tested against.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.products import product
from seq2seq_tf.structures import LossSum


class TokenLosses(NamedTuple):
    """Losses of each real token, in nats."""

    smoothed: tf.Tensor  # [N]
    nll: tf.Tensor  # [N], without label smoothing


def plain_cross_entropy(
    hidden: tf.Tensor, table: tf.Tensor, bias: tf.Tensor, labels: tf.Tensor, smoothing: float
) -> TokenLosses:
    """Returns the losses as defined: (1 - smoothing) * -log p(label) + smoothing * mean over V of -log p.

    Args:
      hidden: [N, D].
      table: [V, D], one row per piece.
      bias: [V].
      labels: [N] int32.
      smoothing: in [0, 1).
    """
    log_probs = tf.nn.log_softmax(product(hidden, table, transpose_kernel=True) + bias)  # [N, V]
    nll = -tf.gather(log_probs, labels, batch_dims=1)
    return TokenLosses((1.0 - smoothing) * nll - smoothing * tf.reduce_mean(log_probs, -1), nll)


def projected_cross_entropy(
    hidden: tf.Tensor, table: tf.Tensor, bias: tf.Tensor, labels: tf.Tensor, smoothing: float
) -> TokenLosses:
    """Returns the same values as `plain_cross_entropy`; a gradient flows through `smoothed` only.

    The gradient of the logits is softmax - (1 - smoothing) * onehot - smoothing / V. Only the softmax is dense, so
    the other two terms bypass the [N, V] array: they use the labels' rows and the table's mean row.
    """

    @tf.custom_gradient
    def run(hidden: tf.Tensor, table: tf.Tensor, bias: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
        table_32 = tf.cast(table, tf.float32)
        logits = product(hidden, table, transpose_kernel=True) + bias  # [N, V]
        top = tf.reduce_max(logits, -1, keepdims=True)
        exps = tf.exp(logits - top)  # [N, V]
        total = tf.reduce_sum(exps, -1, keepdims=True)  # [N, 1]
        typed = tf.cast(exps, table.dtype)  # the only large array that is kept
        log_total = (tf.math.log(total) + top)[:, 0]
        label_rows = tf.gather(table_32, labels)  # [N, D]
        label_logits = tf.reduce_sum(label_rows * hidden, -1) + tf.gather(bias, labels)
        mean_row, mean_bias = tf.reduce_mean(table_32, 0), tf.reduce_mean(bias)
        mean_logits = tf.linalg.matvec(hidden, mean_row) + mean_bias
        nll = log_total - label_logits
        smoothed = (1.0 - smoothing) * nll + smoothing * (log_total - mean_logits)

        def gradient(upstream: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            vocab = tf.cast(tf.shape(bias)[0], tf.float32)
            row_scale = upstream[:, tf.newaxis] / total  # [N, 1]: softmax = exps / total
            label_scale = (1.0 - smoothing) * upstream[:, tf.newaxis]
            dense = tf.cast(tf.matmul(typed, table), tf.float32) * row_scale  # [N, D]
            uniform = smoothing * upstream[:, tf.newaxis] * mean_row
            d_hidden = dense - label_scale * label_rows - uniform
            scaled = tf.cast(hidden * row_scale, table.dtype)
            d_table = tf.cast(tf.matmul(typed, scaled, transpose_a=True), tf.float32)  # [V, D]
            d_table = tf.tensor_scatter_nd_sub(d_table, labels[:, tf.newaxis], label_scale * hidden)  # in place
            d_table -= smoothing / vocab * tf.reduce_sum(upstream[:, tf.newaxis] * hidden, 0)
            column = tf.cast(row_scale, table.dtype)
            d_bias = tf.cast(tf.matmul(typed, column, transpose_a=True), tf.float32)[:, 0]
            d_bias -= tf.math.unsorted_segment_sum(label_scale[:, 0], labels, tf.shape(bias)[0])
            d_bias -= smoothing / vocab * tf.reduce_sum(upstream)
            return d_hidden, tf.cast(d_table, table.dtype), d_bias

        return (smoothed, nll), gradient

    smoothed, nll = run(hidden, table, bias)
    return TokenLosses(smoothed, tf.stop_gradient(nll))


class CrossEntropy(NamedTuple):
    """The loss of a model, with its options fixed when the model is built."""

    smoothing: float  # label smoothing
    fused: bool  # whether to use the hand-written gradient

    def __call__(self, hidden: tf.Tensor, table: tf.Tensor, bias: tf.Tensor, labels: tf.Tensor) -> TokenLosses:
        """Returns the losses of N tokens; arguments as for `plain_cross_entropy`."""
        cross_entropy = projected_cross_entropy if self.fused else plain_cross_entropy
        return cross_entropy(hidden, table, bias, labels, self.smoothing)

    def summed(self, hidden: tf.Tensor, table: tf.Tensor, bias: tf.Tensor, labels: tf.Tensor) -> LossSum:
        """Returns these losses summed over the N tokens."""
        losses = self(hidden, table, bias, labels)
        weight = tf.cast(tf.size(labels), tf.float32)
        return LossSum(tf.reduce_sum(losses.smoothed), tf.reduce_sum(losses.nll), weight)

    def without_smoothing(self) -> CrossEntropy:
        """Returns the loss without label smoothing, whose values are the labels' negative log-probabilities."""
        return self._replace(smoothing=0.0)
