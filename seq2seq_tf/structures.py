"""Glossary: the special piece ids and every bundle of tensors passed between modules.

Sizes: B batch, S source steps, T target steps, K beam size, H units, D encoder values, A attention units, V vocabulary,
N rows of a decoder step (B, or B*K in beam search).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

PAD_ID, UNK_ID, BOS_ID, EOS_ID = 0, 1, 2, 3

CellStates = tuple[tuple[tf.Tensor, ...], ...]  # layer -> (h,) for rnn and gru, (h, c) for lstm; each [N, H]


class Batch(NamedTuple):
    """Padded pairs of one training or scoring step."""

    source: tf.Tensor  # [B, S] int32, ends with EOS, then PAD
    target_in: tf.Tensor  # [B, T] int32, starts with BOS
    target_out: tf.Tensor  # [B, T] int32, ends with EOS


class EncoderOutput(NamedTuple):
    """The encoded source, as the decoder reads it."""

    values: tf.Tensor  # [B, S, D]
    mask: tf.Tensor  # [B, S] bool, True on real pieces
    final: CellStates  # state after the last real piece, per layer and direction; () if the encoder has none


class Memory(NamedTuple):
    """The source side of the attention, computed once per sentence and never tiled per beam."""

    keys: tf.Tensor  # [B, S, A]
    values: tf.Tensor  # [B, S, D]
    mask: tf.Tensor  # [B, S] bool


class KeysValues(NamedTuple):
    """What a Transformer's attention reads: the projected keys and values of S steps, d units per head."""

    keys: tf.Tensor  # [N, heads, S, d]
    values: tf.Tensor  # [N, heads, S, d]


class TransformerMemory(NamedTuple):
    """The source side of a Transformer decoder, computed once per sentence and never tiled per beam."""

    layers: tuple[KeysValues, ...]  # of each layer's cross-attention, B rows
    mask: tf.Tensor  # [B, S] bool


class TransformerState(NamedTuple):
    """The key/value cache of a Transformer decoder: it grows by one step with each piece."""

    layers: tuple[KeysValues, ...]  # of each layer's self-attention over the pieces so far, N rows


class DecoderState(NamedTuple):
    """What a decoder step passes to the next; beam search gathers exactly this."""

    cells: CellStates
    context: tf.Tensor  # [N, D], input feeding: the last attention context


class TeacherForced(NamedTuple):
    """Results of running the decoder over known target pieces."""

    hidden: tf.Tensor  # [B, T, output_units], before the vocabulary projection
    weights: tf.Tensor  # [B, T, S] attention weights; [B, T, 0] without attention


class Hypotheses(NamedTuple):
    """Result of a search."""

    tokens: tf.Tensor  # [B, K, T] int32, best first, without BOS, with EOS, then PAD
    lengths: tf.Tensor  # [B, K] int32, including EOS
    scores: tf.Tensor  # [B, K] float32, log-probability / length penalty
    log_probs: tf.Tensor  # [B, K] float32, natural logarithm, sum over pieces and EOS


class LossSum(NamedTuple):
    """Losses summed over real tokens, and their number; only the Trainer and the evaluation divide."""

    total: tf.Tensor  # [] float32, nats, label smoothing included
    nll: tf.Tensor  # [] float32, nats, plain negative log-likelihood
    weight: tf.Tensor  # [] float32, number of real tokens


# tokens [N] int32, state, memory -> logits [N, V] float32, state. Memory is an argument so that a search can drop
# finished sentences from it.
StepFn = Callable[[tf.Tensor, Any, Any], tuple[tf.Tensor, Any]]
