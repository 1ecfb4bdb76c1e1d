"""From decoder outputs to pieces: shared by all models with an attention decoder."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.decoder_layer import DecoderProtocol
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.products import product
from seq2seq_tf.structures import PAD_ID, LossSum, StepFn


class OutputProjection(NamedTuple):
    """The last projection: logits = hidden @ table^T + bias."""

    table: tf.Tensor  # [V, output_units], at the precision of the product
    bias: tf.Tensor  # [V]


class SearchWeights(NamedTuple):
    """All weights of the steps of a search."""

    steps: Any  # from the decoder's `weights_for_steps`
    vocabulary: OutputProjection


def make_step_fn(decoder: DecoderProtocol, weights: SearchWeights, candidates: tf.Tensor | None = None) -> StepFn:
    """Returns the step function of a search: (tokens [N], state, memory) -> (logits [N, V] float32, state).

    Args:
      decoder: the decoder that the weights belong to.
      weights: read and cast before the loop of a search.
      candidates: [v] int32, the only pieces that the search may choose, ascending, the four special ones first. The
        tokens of the search are then indices into them: translate them with `tf.gather(candidates, tokens)`.
    """
    table, bias = weights.vocabulary
    if candidates is not None:
        candidates = tf.cast(candidates, tf.int64)  # TensorFlow keeps a loop's int32 tensors in host memory
        table, bias = tf.gather(table, candidates), tf.gather(bias, candidates)

    def step(tokens: tf.Tensor, state: Any, memory: Any) -> tuple[tf.Tensor, Any]:
        pieces = tokens if candidates is None else tf.gather(candidates, tokens)
        hidden, state = decoder.step(weights.steps, pieces, state, memory)
        return product(hidden, table, transpose_kernel=True) + bias, state

    return step


def summed_loss(
    cross_entropy: CrossEntropy, hidden: tf.Tensor, labels: tf.Tensor, projection: OutputProjection
) -> LossSum:
    """Returns the loss of hidden [B, T, output_units] summed over the labels [B, T] int32 that are not PAD."""
    kept, wanted, _ = _real_tokens(hidden, labels)
    return cross_entropy.summed(kept, *projection, wanted)


def log_probabilities(
    cross_entropy: CrossEntropy, hidden: tf.Tensor, labels: tf.Tensor, projection: OutputProjection
) -> tf.Tensor:
    """Returns the log-probability of each label [B, T]; zero on padding."""
    kept, wanted, real = _real_tokens(hidden, labels)
    losses = cross_entropy.without_smoothing()(kept, *projection, wanted)
    return tf.scatter_nd(real, -losses.nll, tf.shape(labels, out_type=tf.int64))


def _real_tokens(hidden: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns hidden [N, D], labels [N] and positions [N, 2] of the real tokens: only these are projected."""
    real = tf.where(tf.not_equal(labels, PAD_ID))
    return tf.gather_nd(hidden, real), tf.gather_nd(labels, real), real
