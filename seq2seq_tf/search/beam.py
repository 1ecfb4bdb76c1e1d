"""Beam search with a pool of live and a pool of finished hypotheses per sentence.

It is one tf.while_loop without Python inside. A sentence ends as soon as no live hypothesis can still enter its best
`n_best`: log-probabilities only fall and the length penalty is largest at the longest allowed length, so
`best live log-probability / penalty(longest)` bounds every continuation. Finished sentences leave the batch. With
`early_stop` a sentence stops sooner, as if a live hypothesis could only end with its next piece.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.search.limits import IDS, NEG_INF, Limits, Vocabulary, gather_rows, length_penalty, vocabulary
from seq2seq_tf.search.options import SearchOptions
from seq2seq_tf.search.topk import log_sum_exp, top_k
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, Hypotheses, StepFn

_SHRINK_PART = 4  # finished sentences leave when they make up at least a quarter of the running batch


class _Finished(NamedTuple):
    """The best K finished hypotheses per sentence, best first; missing ones have a score of NEG_INF."""

    tokens: tf.Tensor  # [b, K, T] int64
    values: tf.Tensor  # [b, K, 2] float32: score, log-probability


class _Live(NamedTuple):
    """The K live hypotheses of each sentence, most probable first."""

    last: tf.Tensor  # [b*K] int64, the piece chosen last
    tokens: tf.Tensor  # [b*K, T] int64
    log_probs: tf.Tensor  # [b, K]
    state: Any  # nest of [b*K, ...]


class _Running(NamedTuple):
    """The b sentences that are not finished yet."""

    index: tf.Tensor  # [b] int64, row of the sentence in the results
    limits: Limits  # each [b] int64
    largest_penalty: tf.Tensor  # [b], at the longest allowed length
    finished: _Finished
    memory: Any  # nest of [b, ...]


class _Constants(NamedTuple):
    """Values shared by all steps; computed once, as every small op in the loop costs time."""

    penalties: tf.Tensor  # [T], length penalty of a hypothesis that ends at step t
    first_rows: tf.Tensor  # [B, 1] int64, row of each sentence's first hypothesis; a step uses the first b
    positions: tf.Tensor  # [T] int64
    pieces: Vocabulary
    wanted: tf.Tensor  # [] int32, W: continuations considered per hypothesis


def beam_search(step: StepFn, state: Any, memory: Any, limits: Limits, options: SearchOptions) -> Hypotheses:
    """Returns the n_best hypotheses of each sentence.

    Args:
      step: see StepFn; called with K adjacent rows for each running sentence.
      state: nest of tensors [B, ...] before the first piece; the search gathers exactly this.
      memory: nest of tensors [B, ...]; never tiled per beam.
      limits: EOS is forbidden before `shortest` and forced at `longest`.
      options: beam size, n-best, length penalty and when to stop.

    Returns:
      Hypotheses with K = n_best. Where fewer exist, the others have length 0 and a score of about -1e9.
    """
    sentences, beam = tf.shape(limits.longest)[0], options.beam_size
    width = tf.maximum(tf.reduce_max(limits.longest), 1)
    pieces = vocabulary(options.allow_unknown)
    constants = _Constants(
        penalties=length_penalty(tf.range(1, width + 1), options.length_penalty),
        first_rows=tf.cast(tf.range(sentences)[:, tf.newaxis] * beam, IDS),
        positions=tf.cast(tf.range(width), IDS),
        pieces=pieces,
        # The best K + 3 (4) include K that continue a hypothesis, as only three (four) ids end or never continue one.
        wanted=beam + pieces.forbidden,
    )
    running, live = _start(state, memory, limits, options, width)
    results = gather_rows(running.finished, tf.range(sentences))

    def body(t: tf.Tensor, running: _Running, live: _Live, results: _Finished) -> tuple[Any, ...]:
        running, live = _expand(step, t, running, live, (constants, beam))
        done = _is_done(t, running, live, constants.penalties, options)  # [b]
        enough = tf.reduce_sum(tf.cast(done, IDS)) * _SHRINK_PART >= tf.size(done, IDS)
        running, live, results = tf.cond(
            enough, lambda: _shrink(running, live, results, done), lambda: (running, live, results)
        )
        return t + 1, running, live, results

    loop = (tf.constant(0), running, live, results)
    *_, results = tf.while_loop(
        lambda t, running, *_: tf.size(running.index) > 0,
        body,
        loop,
        shape_invariants=tf.nest.map_structure(_any_rows, loop),
    )
    return _hypotheses(tf.nest.map_structure(lambda x: x[:, : options.n_best], results))


def _hypotheses(best: _Finished) -> Hypotheses:
    """Returns the results with lengths, cut to the longest. best: tokens [B, N, T], values [B, N, 2]."""
    scores, log_probs = tf.unstack(best.values, axis=2)  # [B, N]
    exists = scores > NEG_INF / 2
    tokens = tf.where(exists[:, :, tf.newaxis], tf.cast(best.tokens, tf.int32), PAD_ID)
    lengths = tf.reduce_sum(tf.cast(tokens != PAD_ID, tf.int32), 2)  # [B, N]; a hypothesis contains no PAD
    return Hypotheses(tokens[:, :, : tf.reduce_max(lengths)], lengths, scores, tf.where(exists, log_probs, NEG_INF))


def _any_rows(x: tf.Tensor) -> tf.TensorShape:
    """Returns the shape of x with the number of rows left open; K and T are dynamic, all other sizes are fixed."""
    return tf.TensorShape([None, *x.shape[1:]]) if x.shape.rank else x.shape


def _start(state: Any, memory: Any, limits: Limits, options: SearchOptions, width: tf.Tensor) -> tuple[_Running, _Live]:
    """Returns the start: one live hypothesis per sentence; the other K - 1 are impossible and lose to any other."""
    sentences, beam = tf.shape(limits.longest)[0], options.beam_size
    first = tf.one_hot(0, beam, on_value=0.0, off_value=NEG_INF)  # [K]
    rows = sentences * beam
    live = _Live(
        last=tf.fill([rows], tf.constant(BOS_ID, IDS)),
        tokens=tf.fill([rows, width], tf.constant(PAD_ID, IDS)),
        log_probs=tf.tile(first[tf.newaxis], [sentences, 1]),
        state=gather_rows(state, tf.repeat(tf.range(sentences), beam)),
    )
    none = _Finished(
        tf.fill([sentences, beam, width], tf.constant(PAD_ID, IDS)), tf.fill([sentences, beam, 2], NEG_INF)
    )
    penalty = length_penalty(limits.longest, options.length_penalty)
    limits = tf.nest.map_structure(lambda x: tf.cast(x, IDS), limits)
    return _Running(tf.range(tf.cast(sentences, IDS)), limits, penalty, none, memory), live


def _expand(
    step: StepFn, t: tf.Tensor, running: _Running, live: _Live, shared: tuple[_Constants, tf.Tensor]
) -> tuple[_Running, _Live]:
    """Runs one step: continues every live hypothesis and keeps the best K of all continuations."""
    constants, beam = shared
    rows = tf.size(running.index)
    time = tf.cast(t, IDS)
    here = constants.positions == time  # [T]
    logits, state = step(tf.cast(live.last, tf.int32), live.state, running.memory)  # [b*K, V]
    wanted = tf.minimum(constants.wanted, tf.shape(logits)[1])
    top, ids = top_k(logits, wanted)  # [b*K, W]
    norm = log_sum_exp(logits, top[:, :1])  # [b*K]
    ended = live.log_probs + tf.reshape(logits[:, EOS_ID] - norm, [rows, beam])  # [b, K]
    finished = _finish(t, ended, running, live, (constants.penalties[t], here))

    gained = tf.where(constants.pieces.continues(ids), top - norm[:, tf.newaxis], NEG_INF)  # [b*K, W]
    totals = tf.reshape(live.log_probs, [-1, 1]) + gained
    may_go_on = (time + 1 < running.limits.longest)[:, tf.newaxis]
    totals = tf.where(may_go_on, tf.reshape(totals, [rows, beam * wanted]), NEG_INF)
    log_probs, flat = tf.math.top_k(totals, beam)  # [b, K]
    parents = tf.reshape(tf.cast(flat, IDS) // tf.cast(wanted, IDS) + constants.first_rows[:rows], [-1])  # [b*K]
    chosen = tf.reshape(tf.gather(tf.reshape(ids, [rows, beam * wanted]), flat, batch_dims=1), [-1])  # [b*K]
    tokens = tf.where(here, chosen[:, tf.newaxis], tf.gather(live.tokens, parents))
    return running._replace(finished=finished), _Live(chosen, tokens, log_probs, gather_rows(state, parents))


def _finish(
    t: tf.Tensor, ended: tf.Tensor, running: _Running, live: _Live, at: tuple[tf.Tensor, tf.Tensor]
) -> _Finished:
    """Returns the best K of the finished pool and of the live hypotheses that end here.

    Args:
      ended: [b, K], log-probability with EOS.
      at: length penalty [] of this step, and its position as a mask [T] bool.
    """
    penalty, here = at
    finished = running.finished
    possible = (tf.cast(t + 1, IDS) >= running.limits.shortest)[:, tf.newaxis] & (live.log_probs > NEG_INF / 2)
    scores = tf.where(possible, ended / penalty, NEG_INF)
    values = tf.concat([finished.values, tf.stack([scores, ended], 2)], 1)  # [b, 2K, 2]
    tokens = tf.reshape(tf.where(here, tf.constant(EOS_ID, IDS), live.tokens), tf.shape(finished.tokens))
    tokens = tf.concat([finished.tokens, tokens], 1)  # [b, 2K, T]
    # top_k prefers the earlier of two equals, so an old hypothesis is never displaced by an equal new one.
    _, best = tf.math.top_k(values[:, :, 0], tf.shape(ended)[1])
    return _Finished(tf.gather(tokens, best, batch_dims=1), tf.gather(values, best, batch_dims=1))


def _is_done(t: tf.Tensor, running: _Running, live: _Live, penalties: tf.Tensor, options: SearchOptions) -> tf.Tensor:
    """Returns True [b] where no continuation can enter the best n_best, or none is allowed.

    With early_stop, only continuations that end at the next step are considered. This ignores what a longer hypothesis
    gains by the larger penalty that its log-probability is divided by; without a length penalty it ignores nothing.
    """
    next_penalty = penalties[tf.minimum(t + 1, tf.size(penalties) - 1)]
    penalty = tf.where(options.early_stop, next_penalty, running.largest_penalty)  # [b]
    bound = live.log_probs[:, 0] / penalty
    worst = running.finished.values[:, options.n_best - 1, 0]
    return (bound <= worst) | (tf.cast(t + 1, IDS) >= running.limits.longest)


def _shrink(running: _Running, live: _Live, results: _Finished, done: tf.Tensor) -> tuple[_Running, _Live, _Finished]:
    """Writes the finished sentences into the results and keeps the others."""
    ended = tf.where(done)[:, 0]
    going = tf.where(~done)[:, 0]
    places = tf.gather(running.index, ended)[:, tf.newaxis]
    results = tf.nest.map_structure(
        lambda all_, some: tf.tensor_scatter_nd_update(all_, places, tf.gather(some, ended)), results, running.finished
    )
    beam = tf.shape(live.log_probs, IDS)[1]
    rows = tf.reshape(going[:, tf.newaxis] * beam + tf.range(beam), [-1])
    last, tokens, state = gather_rows((live.last, live.tokens, live.state), rows)
    return gather_rows(running, going), _Live(last, tokens, tf.gather(live.log_probs, going), state), results
