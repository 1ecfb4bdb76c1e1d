"""The one entry point to all searches; the options decide which one runs."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from seq2seq_tf.search.beam import beam_search
from seq2seq_tf.search.greedy import greedy_search
from seq2seq_tf.search.limits import Limits
from seq2seq_tf.search.options import SearchOptions
from seq2seq_tf.structures import Hypotheses, StepFn

METHODS = {"greedy": greedy_search, "beam": beam_search}


def method_of(beam_size: int) -> str:
    """Returns which of `METHODS` searches with this beam size: greedy for 1."""
    return "greedy" if beam_size == 1 else "beam"


def decode(
    step: StepFn, state: Any, memory: Any, limits: Limits, options: SearchOptions, *, method: str | None = None
) -> Hypotheses:
    """Returns the n_best hypotheses of each sentence.

    Args:
      step: see StepFn.
      state: nest of tensors [B, ...] before the first piece.
      memory: nest of tensors [B, ...].
      limits: EOS is forbidden before `shortest` and forced at `longest`.
      options: options of the search.
      method: one of `METHODS` if it is known while tracing, so that the graph contains only that search. Otherwise
        it contains all of them, and `options` select one at each call.
    """
    if method is not None:
        return METHODS[method](step, state, memory, limits, options)
    return tf.cond(
        tf.equal(options.beam_size, 1),
        lambda: greedy_search(step, state, memory, limits, options),
        lambda: beam_search(step, state, memory, limits, options),
    )
