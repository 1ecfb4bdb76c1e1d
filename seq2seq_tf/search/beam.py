"""Beam search with a pool of live and a pool of finished hypotheses per sentence.

One tf.while_loop without Python inside. A sentence ends as soon as no live hypothesis can still enter its best
`n_best`: log-probabilities only fall and the length penalty is largest at the longest allowed length, so
`best live log-probability / penalty(longest)` bounds every continuation. Finished sentences leave the batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.search.limits import IMPOSSIBLE, Limits, is_continuation, keep_rows, length_penalty
from seq2seq_tf.search.topk import log_sum_exp, top_k
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, Hypotheses, StepFn

_SHRINK_AT = 0.75  # finished sentences leave when at most this share of the batch is still running


class BeamOptions(NamedTuple):
    """Scalars that may be tensors, so that one trace serves every setting."""

    beam_size: tf.Tensor  # int32, K
    n_best: tf.Tensor  # int32, at most beam_size
    length_penalty: tf.Tensor  # float32, exponent; not negative


class _Pool(NamedTuple):
    """K hypotheses per sentence, best first."""

    tokens: tf.Tensor  # [b, K, T] int32
    log_probs: tf.Tensor  # [b, K]
    scores: tf.Tensor  # [b, K]; of live hypotheses: the log-probability
    lengths: tf.Tensor  # [b, K] int32


class _Running(NamedTuple):
    """The b sentences not finished yet."""

    index: tf.Tensor  # [b] int32, row of the sentence in the results
    limits: Limits  # each [b]
    live: _Pool
    finished: _Pool
    state: Any  # nest of [b*K, ...]
    memory: Any  # nest of [b, ...]


def beam_search(step: StepFn, state: Any, memory: Any, limits: Limits, options: BeamOptions) -> Hypotheses:
    """Returns the n_best hypotheses of each sentence.

    Args:
      step: see StepFn; called with B * K rows, those of one sentence next to each other.
      state: nest of tensors [B, ...] before the first piece; the search gathers exactly this.
      memory: nest of tensors [B, ...]; never tiled per beam.
      limits: EOS is forbidden before `shortest` and forced at `longest`.
      options: beam size, n-best and length penalty.

    Returns:
      Hypotheses with K = n_best. Where fewer exist, the rest has length 0 and a score of about -1e9.
    """
    sentences = tf.shape(limits.longest)[0]
    width = tf.maximum(tf.reduce_max(limits.longest), 1)
    start = _start(state, memory, limits, options.beam_size, width)
    results = keep_rows(start.finished, tf.range(sentences))

    def body(t: tf.Tensor, running: _Running, results: _Pool) -> tuple[tf.Tensor, _Running, _Pool]:
        running = _expand(step, t, running, options)
        done = _is_done(t + 1, running, options)  # [b]
        going = tf.cast(tf.where(~done)[:, 0], tf.int32)
        share = tf.cast(tf.size(going), tf.float32) / tf.cast(tf.size(done), tf.float32)
        running, results = tf.cond(
            share <= _SHRINK_AT,
            lambda: _shrink(running, results, done, going),
            lambda: (running, results),
        )
        return t + 1, running, results

    loop = (tf.constant(0), start, results)
    _, _, results = tf.while_loop(
        lambda t, running, results: tf.size(running.index) > 0,
        body,
        loop,
        shape_invariants=tf.nest.map_structure(_any_rows, loop),
    )
    best = tf.nest.map_structure(lambda x: x[:, : options.n_best], results)
    width = tf.reduce_max(best.lengths)
    return Hypotheses(best.tokens[:, :, :width], best.lengths, best.scores, best.log_probs)


def _any_rows(x: tf.Tensor) -> tf.TensorShape:
    """Rows come and go, K and T are tensors; only the sizes of states and memories stay fixed."""
    return tf.TensorShape([None, *x.shape[1:]]) if x.shape.rank else x.shape


def _start(state: Any, memory: Any, limits: Limits, beam: tf.Tensor, width: tf.Tensor) -> _Running:
    """One live hypothesis per sentence; the other K - 1 are impossible, so that they lose at once."""
    sentences = tf.shape(limits.longest)[0]
    first = tf.one_hot(0, beam, on_value=0.0, off_value=IMPOSSIBLE)  # [K]
    log_probs = tf.tile(first[tf.newaxis], [sentences, 1])  # [B, K]
    tokens = tf.fill([sentences, beam, width], PAD_ID)
    none = tf.fill([sentences, beam], IMPOSSIBLE)
    lengths = tf.zeros([sentences, beam], tf.int32)
    live = _Pool(tokens, log_probs, log_probs, lengths)
    return _Running(
        index=tf.range(sentences),
        limits=limits,
        live=live,
        finished=_Pool(tokens, none, none, lengths),
        state=keep_rows(state, tf.repeat(tf.range(sentences), beam)),
        memory=memory,
    )


def _expand(step: StepFn, t: tf.Tensor, running: _Running, options: BeamOptions) -> _Running:
    """One step: every live hypothesis is continued, the best K of all continuations live on."""
    beam, live = options.beam_size, running.live
    rows = tf.shape(running.index)[0]
    last = tf.cond(t > 0, lambda: live.tokens[:, :, t - 1], lambda: tf.fill([rows, beam], BOS_ID))  # [b, K]
    logits, state = step(tf.reshape(last, [-1]), running.state, running.memory)  # [b*K, V]
    # K pieces that continue are among the best K + 3, since three ids end or never continue a hypothesis.
    wanted = tf.minimum(beam + 3, tf.shape(logits)[1])
    top, ids = top_k(logits, wanted)  # [b*K, W]
    norm = log_sum_exp(logits, top[:, :1])  # [b*K]
    ended = live.log_probs + tf.reshape(logits[:, EOS_ID] - norm, [rows, beam])  # [b, K]
    finished = _finish(t, ended, running, options)

    gained = tf.where(is_continuation(ids), top - norm[:, tf.newaxis], IMPOSSIBLE)
    totals = live.log_probs[:, :, tf.newaxis] + tf.reshape(gained, [rows, beam, wanted])
    may_go_on = (t + 1 < running.limits.longest)[:, tf.newaxis]
    totals = tf.where(may_go_on, tf.reshape(totals, [rows, beam * wanted]), IMPOSSIBLE)
    log_probs, flat = tf.math.top_k(totals, beam)  # [b, K]
    parents = flat // wanted  # [b, K]
    chosen = tf.gather(tf.reshape(ids, [rows, -1]), flat, batch_dims=1)  # [b, K]
    tokens = _write(tf.gather(live.tokens, parents, batch_dims=1), t, chosen)
    state_rows = tf.reshape(tf.range(rows)[:, tf.newaxis] * beam + parents, [-1])
    new_live = _Pool(tokens, log_probs, log_probs, tf.fill([rows, beam], t + 1))
    return running._replace(live=new_live, finished=finished, state=keep_rows(state, state_rows))


def _finish(t: tf.Tensor, ended: tf.Tensor, running: _Running, options: BeamOptions) -> _Pool:
    """Returns the best K of the finished pool and of the live hypotheses that end here. ended: [b, K]."""
    may_end = (t + 1 >= running.limits.shortest)[:, tf.newaxis]
    possible = may_end & (running.live.log_probs > IMPOSSIBLE / 2)
    log_probs = tf.where(possible, ended, IMPOSSIBLE)
    scores = tf.where(possible, ended / length_penalty(t + 1, options.length_penalty), IMPOSSIBLE)
    lengths = tf.where(possible, t + 1, 0)
    tokens = _write(running.live.tokens, t, tf.fill(tf.shape(ended), EOS_ID))
    candidates = _Pool(tokens, log_probs, scores, lengths)
    merged = tf.nest.map_structure(lambda old, new: tf.concat([old, new], 1), running.finished, candidates)
    # top_k prefers the earlier of two equals, so an old hypothesis is never displaced by an equal new one.
    _, best = tf.math.top_k(merged.scores, options.beam_size)
    return tf.nest.map_structure(lambda x: tf.gather(x, best, batch_dims=1), merged)


def _write(tokens: tf.Tensor, t: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """Returns tokens [b, K, T] with ids [b, K] at time t."""
    here = tf.range(tf.shape(tokens)[2]) == t
    return tf.where(here, ids[:, :, tf.newaxis], tokens)


def _is_done(length: tf.Tensor, running: _Running, options: BeamOptions) -> tf.Tensor:
    """Returns True [b] where no continuation can enter the best n_best, or none is allowed."""
    bound = running.live.log_probs[:, 0] / length_penalty(running.limits.longest, options.length_penalty)
    worst = running.finished.scores[:, options.n_best - 1]
    return (bound <= worst) | (length >= running.limits.longest)


def _shrink(running: _Running, results: _Pool, done: tf.Tensor, going: tf.Tensor) -> tuple[_Running, _Pool]:
    """Writes the finished sentences into the results and keeps the others."""
    ended = tf.where(done)[:, 0]
    rows = tf.gather(running.index, ended)[:, tf.newaxis]
    results = tf.nest.map_structure(
        lambda all_, some: tf.tensor_scatter_nd_update(all_, rows, tf.gather(some, ended)), results, running.finished
    )
    beam = tf.shape(running.live.scores)[1]
    state_rows = tf.reshape(going[:, tf.newaxis] * beam + tf.range(beam), [-1])
    kept = keep_rows(running._replace(state=()), going)
    return kept._replace(state=keep_rows(running.state, state_rows)), results
