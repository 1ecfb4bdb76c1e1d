"""Greedy search: the most probable piece at each step."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.search.limits import IMPOSSIBLE, Limits, is_continuation, keep_rows
from seq2seq_tf.structures import BOS_ID, EOS_ID, Hypotheses, StepFn


class _Loop(NamedTuple):
    """Sentences still running (b of B) and the results of all."""

    index: tf.Tensor  # [b] int32, row of the sentence in the results
    last: tf.Tensor  # [b] int32, piece chosen last
    log_probs: tf.Tensor  # [b]
    limits: Limits  # of the b sentences
    state: Any
    memory: Any
    tokens: tf.Tensor  # [B, T] int32
    lengths: tf.Tensor  # [B] int32
    totals: tf.Tensor  # [B]


def greedy_search(step: StepFn, state: Any, memory: Any, limits: Limits) -> Hypotheses:
    """Returns one hypothesis per sentence; its score is its log-probability.

    Args:
      step: see StepFn; called inside one tf.while_loop.
      state: nest of tensors [B, ...], before the first piece.
      memory: nest of tensors [B, ...]; rows of finished sentences leave the batch.
      limits: EOS is forbidden before `shortest` and forced at `longest`.
    """
    sentences = tf.shape(limits.longest)[0]
    width = tf.maximum(tf.reduce_max(limits.longest), 1)

    def body(t: tf.Tensor, loop: _Loop) -> tuple[tf.Tensor, _Loop]:
        logits, new_state = step(loop.last, loop.state, loop.memory)  # [b, V]
        ids = tf.range(tf.shape(logits)[1])
        may_end = (t + 1 >= loop.limits.shortest)[:, tf.newaxis]
        may_go_on = (t + 1 < loop.limits.longest)[:, tf.newaxis]
        allowed = tf.where(ids == EOS_ID, may_end, is_continuation(ids) & may_go_on)  # [b, V]
        chosen = tf.argmax(tf.where(allowed, logits, IMPOSSIBLE), -1, output_type=tf.int32)  # [b]
        gained = tf.gather(logits, chosen, batch_dims=1) - tf.reduce_logsumexp(logits, -1)
        log_probs = loop.log_probs + gained
        places = tf.stack([loop.index, tf.fill(tf.shape(loop.index), t)], 1)
        ended = tf.where(chosen == EOS_ID)[:, 0]
        rows = tf.gather(loop.index, ended)[:, tf.newaxis]
        going = tf.cast(tf.where(chosen != EOS_ID)[:, 0], tf.int32)
        running = (loop.index, chosen, log_probs, loop.limits, new_state, loop.memory)
        return t + 1, _Loop(
            *keep_rows(running, going),
            tokens=tf.tensor_scatter_nd_update(loop.tokens, places, chosen),
            lengths=tf.tensor_scatter_nd_update(loop.lengths, rows, tf.fill(tf.shape(ended), t + 1)),
            totals=tf.tensor_scatter_nd_update(loop.totals, rows, tf.gather(log_probs, ended)),
        )

    start = _Loop(
        index=tf.range(sentences),
        last=tf.fill([sentences], BOS_ID),
        log_probs=tf.zeros([sentences]),
        limits=limits,
        state=state,
        memory=memory,
        tokens=tf.zeros([sentences, width], tf.int32),
        lengths=tf.zeros([sentences], tf.int32),
        totals=tf.zeros([sentences]),
    )
    invariants = tf.nest.map_structure(lambda x: tf.TensorShape([None]).concatenate(x.shape[1:]), start)
    _, end = tf.while_loop(
        lambda t, loop: tf.size(loop.index) > 0,
        body,
        (tf.constant(0), start),
        shape_invariants=(tf.TensorShape([]), invariants),
    )
    log_probs = end.totals[:, tf.newaxis]
    width = tf.reduce_max(end.lengths)
    return Hypotheses(end.tokens[:, tf.newaxis, :width], end.lengths[:, tf.newaxis], log_probs, log_probs)
