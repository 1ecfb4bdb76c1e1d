"""Sampling from a model step by step, and the filters of its distribution.

Randomness is passed in as uniform numbers, one per sample and step. So a text is a function of the weights, the prompt
and these numbers, whether it is generated in one call or symbol by symbol.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.search.limits import NEG_INF
from seq2seq_tf.structures import PAD_ID, StepFn

_COLDEST = 1e-6  # lower temperatures are treated as 0: the quotients would overflow


class SamplingOptions(NamedTuple):
    """The options of tasks.language_model.config.SampleConfig as tensors, so that one trace serves every setting."""

    temperature: tf.Tensor  # [] float32; 0 = always the most probable
    top_k: tf.Tensor  # [] int32; 0 = all
    top_p: tf.Tensor  # [] float32


class Drawable(NamedTuple):
    """Which symbols may be drawn."""

    allowed: tf.Tensor  # [V] bool
    end_id: int  # after this symbol a text contains only PAD


class Candidates(NamedTuple):
    """A distribution after filtering, most probable symbol first; of equally probable ones the smaller id first."""

    ids: tf.Tensor  # [N, V] int32
    probabilities: tf.Tensor  # [N, V], zero for what was filtered out


class Drawn(NamedTuple):
    """The next symbols of each text."""

    tokens: tf.Tensor  # [N, T] int32; only PAD after the end symbol
    last: tf.Tensor  # [N] int32, what the next step reads; PAD if the text has ended
    state: Any


def filtered(logits: tf.Tensor, options: SamplingOptions) -> Candidates:
    """Applies temperature, then top-k, then top-p to the distribution that top-k leaves (Holtzman 2020).

    Top-p keeps the fewest symbols whose probabilities add up to at least p, so always the first. Temperature 0 keeps
    only the first.

    Args:
      logits: [N, V].
      options: temperature, top_k and top_p.
    """
    vocab = tf.shape(logits)[1]
    greedy = options.temperature < _COLDEST
    scaled = logits / tf.where(greedy, 1.0, options.temperature)
    top, ids = tf.math.top_k(scaled, vocab)  # [N, V], sorted
    kept_ranks = tf.where(greedy, 1, tf.where(options.top_k > 0, tf.minimum(options.top_k, vocab), vocab))
    probabilities = tf.nn.softmax(tf.where(tf.range(vocab) < kept_ranks, top, NEG_INF))  # [N, V]
    before = tf.cumsum(probabilities, axis=1, exclusive=True)
    first = tf.range(vocab) < 1
    # Rounding may bring a partial sum to 1 too early: top_p = 1 keeps everything, whatever the sums are.
    kept = tf.where((before < options.top_p) | first | (options.top_p >= 1.0), probabilities, 0.0)
    return Candidates(ids, kept / tf.reduce_sum(kept, 1, keepdims=True))


def draw(candidates: Candidates, uniform: tf.Tensor) -> tf.Tensor:
    """Returns one id per row [N]: the first whose cumulative probability exceeds the number. uniform: [N] in [0, 1)."""
    cumulative = tf.cumsum(candidates.probabilities, axis=1)
    passed = tf.reduce_sum(tf.cast(cumulative <= uniform[:, tf.newaxis], tf.int32), 1)  # [N]
    possible = tf.reduce_sum(tf.cast(candidates.probabilities > 0.0, tf.int32), 1)
    return tf.gather(candidates.ids, tf.minimum(passed, possible - 1), batch_dims=1)


def sample(
    step: StepFn,
    last: tf.Tensor,
    state: Any,
    uniforms: tf.Tensor,
    options: SamplingOptions,
    drawable: Drawable,
) -> Drawn:
    """Draws up to T more symbols for each of N texts.

    Args:
      step: see StepFn; called inside one tf.while_loop, with no memory.
      last: [N] int32, the symbols to read first; PAD for a text that has ended.
      state: nest of tensors [N, ...], before they are read.
      uniforms: [N, T] in [0, 1).
      options: temperature and filters of the distribution.
      drawable: symbols that may be drawn.
    """
    count, steps = tf.shape(uniforms)[0], tf.shape(uniforms)[1]
    penalty = tf.where(drawable.allowed, 0.0, NEG_INF)  # [V]

    def going(t: tf.Tensor, last: tf.Tensor, *_: Any) -> tf.Tensor:
        return (t < steps) & tf.reduce_any(last != PAD_ID)

    def body(t: tf.Tensor, last: tf.Tensor, state: Any, tokens: tf.Tensor) -> tuple[tf.Tensor, ...]:
        logits, state = step(last, state, ())
        drawn = draw(filtered(logits + penalty, options), uniforms[:, t])  # [N]
        drawn = tf.where(last == PAD_ID, PAD_ID, drawn)
        tokens = tf.tensor_scatter_nd_update(tokens, [[t]], drawn[tf.newaxis])
        return t + 1, tf.where(drawn == drawable.end_id, PAD_ID, drawn), state, tokens

    tokens = tf.zeros([steps, count], tf.int32)
    _, last, state, tokens = tf.while_loop(going, body, (tf.constant(0), last, state, tokens))
    return Drawn(tf.transpose(tokens), last, state)
