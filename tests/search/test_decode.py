"""One way into every search: known while tracing or chosen at each call, the method gives the same."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.config.common import SearchConfig
from seq2seq_tf.search.decode import METHODS, decode, method_of
from seq2seq_tf.search.limits import Limits
from seq2seq_tf.search.options import SearchOptions, by_name, specs_of
from seq2seq_tf.structures import Hypotheses
from tests import oracles
from tests.oracles import Toy, search_options

V, LONGEST = 7, 5


@functools.cache
def traced() -> Any:
    """Returns (logits, options) -> Hypotheses, where the options choose the method at each call."""

    def search(logits: tf.Tensor, options: SearchOptions) -> Hypotheses:
        return run(logits, options)

    logits = tf.TensorSpec([None, oracles.CODES, None], tf.float32)
    return tf.function(search, input_signature=[logits, by_name(SearchOptions, specs_of(SearchConfig()))])


def run(logits: tf.Tensor, options: SearchOptions, method: str | None = None) -> Hypotheses:
    sentences = tf.shape(logits)[0]
    limits = Limits(tf.fill([sentences], 1), tf.fill([sentences], LONGEST))
    start = oracles.toy_state(sentences)
    return decode(oracles.toy_step(), start, logits, limits, options, method=method)


@pytest.mark.parametrize("beam_size", [1, 2, 5])
def test_a_method_known_while_tracing_gives_what_the_options_choose(beam_size: int, rng: np.random.Generator) -> None:
    toy: Toy = oracles.random_toy(rng, 3, V)
    options = search_options(beam_size=beam_size, n_best=min(beam_size, 2), length_penalty=0.7)
    method = method_of(beam_size)
    logits = tf.constant(toy.logits)
    for chosen, known in zip(traced()(logits, options), run(logits, options, method), strict=True):
        np.testing.assert_allclose(chosen, known, rtol=1e-6)  # a graph rounds otherwise than eager calls
    assert traced().experimental_get_tracing_count() == 1


def test_a_beam_of_one_is_greedy_and_wider_ones_are_beams() -> None:
    assert [method_of(size) for size in (1, 2, 64)] == ["greedy", "beam", "beam"]
    assert {method_of(size) for size in (1, 2)} == set(METHODS)
