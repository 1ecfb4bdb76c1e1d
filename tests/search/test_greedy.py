"""Greedy search takes the most probable piece that the length rules allow, sentence by sentence."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.search.greedy import greedy_search
from seq2seq_tf.search.limits import Limits
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, Hypotheses
from tests import oracles
from tests.oracles import Toy, search_options

V = 7

_COUNTS = tf.TensorSpec([None], tf.int32)
_SIGNATURE = [
    tf.TensorSpec([None, oracles.CODES, None], tf.float32),
    _COUNTS,
    _COUNTS,
    tf.TensorSpec([], tf.float32),
]


@functools.cache
def traced() -> Any:
    def search(logits: tf.Tensor, shortest: tf.Tensor, longest: tf.Tensor, penalty: tf.Tensor) -> Hypotheses:
        state = oracles.toy_state(tf.shape(logits)[0])
        options = search_options(length_penalty=penalty)
        return greedy_search(oracles.toy_step(), state, logits, Limits(shortest, longest), options)

    return tf.function(search, input_signature=_SIGNATURE)


def run(toy: Toy, shortest: Any, longest: Any, penalty: float = 0.0) -> Hypotheses:
    limits = [np.broadcast_to(np.int32(x), [len(toy.logits)]) for x in (shortest, longest)]
    return Hypotheses(*(x.numpy() for x in traced()(toy.logits, *limits, penalty)))


def numpy_greedy(toy: Toy, sentence: int, shortest: int, longest: int) -> tuple[list[int], float]:
    """Returns pieces and log-probability, chosen one by one."""
    tokens: list[int] = []
    total = 0.0
    while EOS_ID not in tokens:
        log_probs = toy.log_probs(sentence, tuple(tokens))
        length = len(tokens) + 1
        allowed = [i for i in range(len(log_probs)) if i not in (PAD_ID, BOS_ID, EOS_ID) and length < longest]
        allowed += [EOS_ID] if length >= shortest else []
        best = max(allowed, key=lambda token: log_probs[token])
        tokens.append(best)
        total += log_probs[best]
    return tokens, total


@settings(max_examples=40, deadline=None)
@given(
    numbers=st.integers(0, 2**32 - 1),
    longest=st.lists(st.integers(1, 13), min_size=1, max_size=5),
    share=st.floats(0.0, 1.0),
    scale=st.sampled_from([0.3, 2.0, 7.0]),
    vocab=st.sampled_from([5, 7, 601]),
)
def test_greedy_equals_numpy(numbers: int, longest: list[int], share: float, scale: float, vocab: int) -> None:
    toy = oracles.random_toy(np.random.default_rng(numbers), len(longest), vocab, scale)
    shortest = [round(share * n) for n in longest]
    found = run(toy, shortest, longest)
    for row in range(len(longest)):
        tokens, log_prob = numpy_greedy(toy, row, shortest[row], longest[row])
        assert found.lengths[row, 0] == len(tokens)
        assert found.tokens[row, 0, : len(tokens)].tolist() == tokens
        assert not found.tokens[row, 0, len(tokens) :].any()
        np.testing.assert_allclose(found.log_probs[row, 0], log_prob, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found.scores, found.log_probs)


def test_forbidden_pieces_do_not_crowd_out_the_others(rng: np.random.Generator) -> None:
    toy = oracles.random_toy(rng, 3, V)
    toy.logits[:, :, [PAD_ID, BOS_ID, EOS_ID]] += 20.0
    found = run(toy, 5, 11)
    for row in range(3):
        assert found.tokens[row, 0].tolist() == numpy_greedy(toy, row, 5, 11)[0]
        assert found.lengths[row, 0] == 5


def test_length_penalty_changes_scores_only(rng: np.random.Generator) -> None:
    toy = oracles.random_toy(rng, 5, V)
    plain, penalised = run(toy, 2, 13), run(toy, 2, 13, penalty=0.7)
    for mine, theirs in zip(penalised[:2], plain[:2], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    penalties = [[oracles.wu_penalty(n, 0.7) for n in row] for row in plain.lengths]
    np.testing.assert_allclose(penalised.scores, plain.log_probs / penalties, rtol=1e-6)
    np.testing.assert_array_equal(penalised.log_probs, plain.log_probs)


def test_batch_equals_one_by_one(rng: np.random.Generator) -> None:
    longest = np.array([13, 2, 7, 1, 5, 11, 3])
    toy = oracles.random_toy(rng, 7, V)
    together = run(toy, 0, longest)
    for row in range(7):
        alone = run(Toy(toy.logits[row : row + 1]), 0, longest[row])
        width = alone.tokens.shape[2]
        np.testing.assert_array_equal(together.tokens[row, :, :width], alone.tokens[0])
        np.testing.assert_allclose(together.log_probs[row], alone.log_probs[0], rtol=1e-6)


def test_finished_sentences_leave_the_batch_at_once(rng: np.random.Generator) -> None:
    lengths = np.array([3, 11, 2, 7, 5], np.int32)
    toy = oracles.random_toy(rng, 5, V)
    seen: list[tuple[int, int]] = []
    limits = Limits(tf.constant(lengths), tf.constant(lengths))
    greedy_search(oracles.toy_step(seen), oracles.toy_state(5), tf.constant(toy.logits), limits, search_options())
    running = [int((lengths > t).sum()) for t in range(11)]
    assert seen == [(n, n) for n in running]


def test_no_sentences_give_no_hypotheses() -> None:
    found = run(Toy(np.zeros([0, oracles.CODES, V], np.float32)), 0, 0)
    assert found.lengths.shape == found.scores.shape == (0, 1)
    assert found.tokens.shape[:2] == (0, 1)


def test_one_trace_serves_all_shapes(rng: np.random.Generator) -> None:
    for sentences, vocab in [(1, 5), (2, 7), (5, 11)]:
        run(oracles.random_toy(rng, sentences, vocab), 0, sentences + 1)
    assert traced().experimental_get_tracing_count() == 1
