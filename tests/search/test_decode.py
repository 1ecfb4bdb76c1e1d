"""The entry point to all searches: a method known while tracing gives the same as one chosen at each call."""

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
from seq2seq_tf.structures import EOS_ID, UNK_ID, Hypotheses
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
        np.testing.assert_allclose(chosen, known, rtol=1e-6)  # graphs and eager calls round differently
    assert traced().experimental_get_tracing_count() == 1


def test_a_beam_of_one_is_greedy_and_wider_ones_are_beams() -> None:
    assert [method_of(size) for size in (1, 2, 64)] == ["greedy", "beam", "beam"]
    assert {method_of(size) for size in (1, 2)} == set(METHODS)


def greedy_by_hand(toy: Toy, sentence: int, *, never: tuple[int, ...]) -> list[int]:
    tokens: list[int] = []
    while EOS_ID not in tokens:
        log_probs = toy.log_probs(sentence, tuple(tokens))
        allowed = [n for n in range(V) if n not in (0, 2, *never)] if len(tokens) + 1 < LONGEST else [EOS_ID]
        tokens.append(max(allowed, key=lambda token: log_probs[token]))
    return tokens


@pytest.mark.parametrize("beam_size", [1, 3 ** (LONGEST - 1)])
@pytest.mark.parametrize("allow_unknown", [True, False])
@pytest.mark.parametrize("exponent", [0.0, 1.3])
def test_without_the_unknown_token_the_best_others_are_found(
    beam_size: int, allow_unknown: bool, exponent: float, rng: np.random.Generator
) -> None:
    """Without UNK the beam drops nothing; with it the beam drops some, but finds UNK, which is likely here."""
    toy = oracles.random_toy(rng, 5, V)
    toy.logits[:, :, UNK_ID] += 3.0
    n_best, never = min(beam_size, 7), () if allow_unknown else (UNK_ID,)
    options = search_options(beam_size=beam_size, n_best=n_best, length_penalty=exponent, allow_unknown=allow_unknown)
    found = traced()(tf.constant(toy.logits), options)
    assert np.any(found.tokens == UNK_ID) == allow_unknown
    for row in range(5):
        hypotheses = oracles.all_hypotheses(toy, row, 1, LONGEST, exponent, never=never)
        real = {hypothesis.tokens: hypothesis for hypothesis in hypotheses}
        seen = [tuple(found.tokens[row, k, : found.lengths[row, k]].numpy().tolist()) for k in range(n_best)]
        scores = [real[tokens].score for tokens in seen]  # those of the model: probabilities are not renormalised
        np.testing.assert_allclose(found.scores[row], scores, rtol=1e-5)
        if beam_size == 1:
            assert list(seen[0]) == greedy_by_hand(toy, row, never=never)
        elif not allow_unknown:
            assert scores == pytest.approx([hypothesis.score for hypothesis in hypotheses[:n_best]], rel=1e-5)


def test_a_forbidden_unknown_token_does_not_crowd_out_the_others(rng: np.random.Generator) -> None:
    """PAD, UNK, BOS and EOS are the most probable pieces, yet the best others must stay in the beam."""
    toy = oracles.random_toy(rng, 3, V)
    toy.logits[:, :, :4] += 20.0
    limits = Limits(tf.fill([3], 2), tf.fill([3], 2))
    for size in (1, 3):
        options = search_options(beam_size=size, n_best=size, allow_unknown=False)
        found = decode(oracles.toy_step(), oracles.toy_state(3), tf.constant(toy.logits), limits, options)
        for row in range(3):
            following = toy.log_probs(row, ())
            best = sorted({4, 5, 6}, key=lambda token: -following[token])[:size]
            assert set(found.tokens[row, :, 0].numpy().tolist()) == set(best)
