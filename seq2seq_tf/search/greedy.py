"""Greedy search: the most probable piece at each step."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.search.limits import IDS, NEG_INF, Limits, gather_rows, length_penalty, vocabulary
from seq2seq_tf.search.options import SearchOptions
from seq2seq_tf.search.topk import log_sum_exp, top_k
from seq2seq_tf.structures import BOS_ID, EOS_ID, Hypotheses, StepFn


class _Loop(NamedTuple):
    """Sentences still running (b of B) and the results of all."""

    index: tf.Tensor  # [b] int64, row of the sentence in the results
    last: tf.Tensor  # [b] int64, the piece chosen last
    log_probs: tf.Tensor  # [b]
    limits: Limits  # of the b sentences, int64
    state: Any
    memory: Any
    tokens: tf.Tensor  # [B, T] int64
    lengths: tf.Tensor  # [B] int64
    totals: tf.Tensor  # [B]


def _begin(state: Any, memory: Any, limits: Limits) -> _Loop:
    """Returns the loop before the first piece, with all sentences running."""
    sentences = tf.shape(limits.longest)[0]
    width = tf.maximum(tf.reduce_max(limits.longest), 1)
    return _Loop(
        index=tf.range(tf.cast(sentences, IDS)),
        last=tf.fill([sentences], tf.constant(BOS_ID, IDS)),
        log_probs=tf.zeros([sentences]),
        limits=tf.nest.map_structure(lambda x: tf.cast(x, IDS), limits),
        state=state,
        memory=memory,
        tokens=tf.zeros([sentences, width], IDS),
        lengths=tf.zeros([sentences], IDS),
        totals=tf.zeros([sentences]),
    )


def greedy_search(step: StepFn, state: Any, memory: Any, limits: Limits, options: SearchOptions) -> Hypotheses:
    """Returns one hypothesis per sentence.

    Args:
      step: see StepFn; called inside one tf.while_loop.
      state: nest of tensors [B, ...], before the first piece.
      memory: nest of tensors [B, ...]; rows of finished sentences leave the batch.
      limits: EOS is forbidden before `shortest` and forced at `longest`.
      options: the length penalty changes only the scores; beam_size, n_best and early_stop have no effect.
    """
    pieces = vocabulary(options.allow_unknown)

    def body(t: tf.Tensor, loop: _Loop) -> tuple[tf.Tensor, _Loop]:
        time = tf.cast(t, IDS)
        logits, new_state = step(tf.cast(loop.last, tf.int32), loop.state, loop.memory)  # [b, V]
        # One of the best four is allowed: PAD and BOS never are, EOS may not be. One of five if UNK is not either.
        top, ids = top_k(logits, pieces.forbidden + 1)  # [b, 4 or 5]
        may_end = (time + 1 >= loop.limits.shortest)[:, tf.newaxis]
        allowed = pieces.continues(ids) | ((ids == EOS_ID) & may_end)
        best = tf.argmax(tf.where(allowed, top, NEG_INF), -1, output_type=tf.int32)  # [b]
        chosen = tf.where(
            time + 1 < loop.limits.longest, tf.gather(ids, best, batch_dims=1), tf.constant(EOS_ID, IDS)
        )  # [b]
        gained = tf.gather(logits, chosen, batch_dims=1) - log_sum_exp(logits, top[:, :1])
        log_probs = loop.log_probs + gained
        places = tf.stack([loop.index, tf.fill(tf.shape(loop.index), time)], 1)
        ended = tf.where(chosen == EOS_ID)[:, 0]
        rows = tf.gather(loop.index, ended)[:, tf.newaxis]
        going = tf.where(chosen != EOS_ID)[:, 0]
        running = (loop.index, chosen, log_probs, loop.limits, new_state, loop.memory)
        index, last, log_probs_kept, limits, state, memory = gather_rows(running, going)
        return t + 1, _Loop(
            index=index,
            last=last,
            log_probs=log_probs_kept,
            limits=limits,
            state=state,
            memory=memory,
            tokens=tf.tensor_scatter_nd_update(loop.tokens, places, chosen),
            lengths=tf.tensor_scatter_nd_update(loop.lengths, rows, tf.fill(tf.shape(ended), time + 1)),
            totals=tf.tensor_scatter_nd_update(loop.totals, rows, tf.gather(log_probs, ended)),
        )

    start = _begin(state, memory, limits)
    invariants = tf.nest.map_structure(lambda x: tf.TensorShape([None]).concatenate(x.shape[1:]), start)
    _, end = tf.while_loop(
        lambda t, loop: tf.size(loop.index) > 0,
        body,
        (tf.constant(0), start),
        shape_invariants=(tf.TensorShape([]), invariants),
    )
    log_probs = end.totals[:, tf.newaxis]
    lengths = tf.cast(end.lengths, tf.int32)[:, tf.newaxis]
    width = tf.reduce_max(lengths)
    scores = log_probs / length_penalty(lengths, options.length_penalty)
    return Hypotheses(tf.cast(end.tokens[:, tf.newaxis, :width], tf.int32), lengths, scores, log_probs)
