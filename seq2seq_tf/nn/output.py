"""From the decoder's outputs to words: what every model that ends in an attention decoder shares."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.decoder import AttentionDecoder, StepWeights
from seq2seq_tf.nn.losses import CrossEntropy, TokenLosses
from seq2seq_tf.nn.products import product
from seq2seq_tf.structures import PAD_ID, DecoderState, LossSum, Memory, StepFn


class OutputProjection(NamedTuple):
    """The last projection: logits = hidden @ table^T + bias."""

    table: tf.Tensor  # [V, output_units], at the precision of the product
    bias: tf.Tensor  # [V]


class SearchWeights(NamedTuple):
    """Everything the steps of a search multiply with."""

    steps: StepWeights
    vocabulary: OutputProjection


def make_step_fn(decoder: AttentionDecoder, weights: SearchWeights, candidates: tf.Tensor | None = None) -> StepFn:
    """Returns the step of the searches: (tokens [N], state, memory) -> (logits [N, V] float32, state).

    Args:
      decoder: whose weights these are.
      weights: read and cast before the loop of a search.
      candidates: [v] int32, the only pieces that the search may choose, rising from the four special ones. The
        search then speaks of column numbers: translate its tokens with `tf.gather(candidates, tokens)`.
    """
    table, bias = weights.vocabulary
    if candidates is not None:
        candidates = tf.cast(candidates, tf.int64)  # a loop keeps int32 in the host's memory
        table, bias = tf.gather(table, candidates), tf.gather(bias, candidates)

    def step(tokens: tf.Tensor, state: DecoderState, memory: Memory) -> tuple[tf.Tensor, DecoderState]:
        pieces = tokens if candidates is None else tf.gather(candidates, tokens)
        hidden, state = decoder.step(weights.steps, pieces, state, memory)
        return product(hidden, table, transpose_kernel=True) + bias, state

    return step


def summed_loss(
    cross_entropy: CrossEntropy, hidden: tf.Tensor, labels: tf.Tensor, projection: OutputProjection
) -> LossSum:
    """Returns the loss of hidden [B, T, output_units] summed over the real ones of labels [B, T] int32."""
    real = tf.where(tf.not_equal(labels, PAD_ID))  # [N, 2]
    losses = _real_losses(cross_entropy, hidden, labels, real, projection)
    weight = tf.cast(tf.shape(real)[0], tf.float32)
    return LossSum(tf.reduce_sum(losses.smoothed), tf.reduce_sum(losses.nll), weight)


def log_probabilities(
    cross_entropy: CrossEntropy, hidden: tf.Tensor, labels: tf.Tensor, projection: OutputProjection
) -> tf.Tensor:
    """Returns the log-probability of each label [B, T]; zero on padding."""
    real = tf.where(tf.not_equal(labels, PAD_ID))  # [N, 2]
    losses = _real_losses(cross_entropy.without_smoothing(), hidden, labels, real, projection)
    return tf.scatter_nd(real, -losses.nll, tf.shape(labels, out_type=tf.int64))


def _real_losses(
    cross_entropy: CrossEntropy, hidden: tf.Tensor, labels: tf.Tensor, real: tf.Tensor, projection: OutputProjection
) -> TokenLosses:
    """Losses of the real tokens only: [B, T, D] is gathered to [N, D] before the vocabulary projection."""
    kept, wanted = tf.gather_nd(hidden, real), tf.gather_nd(labels, real)
    return cross_entropy(kept, projection.table, projection.bias, wanted)
