"""Beam search equals brute force with a large enough beam, stops early without losing anything and tiles nothing."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.search import beam
from seq2seq_tf.search.beam import beam_search
from seq2seq_tf.search.greedy import greedy_search
from seq2seq_tf.search.limits import Limits, length_penalty
from seq2seq_tf.search.options import SearchOptions
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, Hypotheses
from tests import oracles
from tests.oracles import Toy, search_options

V = 6  # three pieces may continue a hypothesis: 1, 4, 5
LONGEST = 5
EVERYTHING = 3 ** (LONGEST - 1)  # a beam that never drops anything

_COUNTS = tf.TensorSpec([None], tf.int32)
_SIGNATURE = [
    tf.TensorSpec([None, oracles.CODES, None], tf.float32),
    _COUNTS,
    _COUNTS,
    tf.TensorSpec([], tf.int32),
    tf.TensorSpec([], tf.int32),
    tf.TensorSpec([], tf.float32),
]


def make_search() -> Any:
    """Returns (logits, shortest, longest, beam size, n-best, penalty) -> Hypotheses, not traced yet."""

    def search(
        logits: tf.Tensor,
        shortest: tf.Tensor,
        longest: tf.Tensor,
        size: tf.Tensor,
        n_best: tf.Tensor,
        exponent: tf.Tensor,
    ) -> Hypotheses:
        state = oracles.toy_state(tf.shape(logits)[0])
        options = search_options(beam_size=size, n_best=n_best, length_penalty=exponent)
        return beam_search(oracles.toy_step(), state, logits, Limits(shortest, longest), options)

    return tf.function(search, input_signature=_SIGNATURE)


traced = functools.cache(make_search)  # one trace for all tests of this file


def run(toy: Toy, shortest: Any, longest: Any, size: int, n_best: int = 1, exponent: float = 0.0) -> Hypotheses:
    """Searches; limits are numbers for all sentences or one per sentence. Results as NumPy arrays."""
    sentences = len(toy.logits)
    limits = [np.broadcast_to(np.int32(x), [sentences]) for x in (shortest, longest)]
    return Hypotheses(*(x.numpy() for x in traced()(toy.logits, *limits, size, n_best, exponent)))


def assert_is_best(found: Hypotheses, toy: Toy, shortest: np.ndarray, longest: np.ndarray, exponent: float) -> None:
    """Checks that every hypothesis is possible, has its correct score, occurs once, and that none is better."""
    for row in range(len(toy.logits)):
        everything = oracles.all_hypotheses(toy, row, int(shortest[row]), int(longest[row]), exponent)
        by_tokens = {hypothesis.tokens: hypothesis for hypothesis in everything}
        real = min(len(everything), found.tokens.shape[1])
        seen = [tuple(found.tokens[row, k, : found.lengths[row, k]].tolist()) for k in range(real)]
        assert len(set(seen)) == real
        np.testing.assert_allclose(found.scores[row, :real], [e.score for e in everything[:real]], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found.scores[row, :real], [by_tokens[t].score for t in seen], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            found.log_probs[row, :real], [by_tokens[t].log_prob for t in seen], rtol=1e-5, atol=1e-5
        )
        np.testing.assert_array_equal(found.lengths[row, real:], 0)
        assert (found.scores[row, real:] < -1e8).all()
        for k, length in enumerate(found.lengths[row]):
            np.testing.assert_array_equal(found.tokens[row, k, length:], PAD_ID)


@settings(max_examples=40, deadline=None)
@given(
    numbers=st.integers(0, 2**32 - 1),
    longest=st.lists(st.integers(1, LONGEST), min_size=1, max_size=3),
    shares=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    n_best=st.sampled_from([1, 2, 7, EVERYTHING]),
    exponent=st.sampled_from([0.0, 0.6, 1.0, 2.5]),
    scale=st.sampled_from([0.3, 2.0, 7.0]),
)
def test_beam_equals_brute_force(
    numbers: int, longest: list[int], shares: list[float], n_best: int, exponent: float, scale: float
) -> None:
    toy = oracles.random_toy(np.random.default_rng(numbers), len(longest), V, scale)
    most = np.array(longest)
    least = np.round(most * shares[: len(most)]).astype(int)
    found = run(toy, least, most, EVERYTHING, n_best, exponent)
    assert_is_best(found, toy, least, most, exponent)


def test_a_small_beam_finds_possible_hypotheses_with_correct_scores(rng: np.random.Generator) -> None:
    toy = oracles.random_toy(rng, 11, V)
    found = run(toy, 2, LONGEST, size=3, n_best=2, exponent=0.7)
    for row in range(11):
        everything = {e.tokens: e for e in oracles.all_hypotheses(toy, row, 2, LONGEST, 0.7)}
        for k in (0, 1):
            one = everything[tuple(found.tokens[row, k, : found.lengths[row, k]].tolist())]
            np.testing.assert_allclose(found.scores[row, k], one.score, rtol=1e-5)
            np.testing.assert_allclose(found.log_probs[row, k], one.log_prob, rtol=1e-5)


@pytest.mark.parametrize("vocab", [5, 11])
def test_stopping_early_gives_what_waiting_gives(
    vocab: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 models, beams smaller and larger than their vocabulary, flat and peaked."""
    models, longest = 50, rng.integers(1, 13, size=50).astype(np.int32)
    shortest = (longest * rng.random(50) ** 3).astype(np.int32)
    waiting = make_search()
    steps = {"early": traced(), "waiting": waiting}
    with monkeypatch.context() as patch:
        patch.setattr(
            beam,
            "_is_done",
            lambda t, running, *_: tf.cast(t + 1, running.limits.longest.dtype) >= running.limits.longest,
        )
        waiting.get_concrete_function()
    for size, n_best in [(1, 1), (2, 2), (3, 1), (7, 5)]:
        for exponent, scale in [(0.0, 1.0), (1.3, 4.0)]:
            toy = oracles.random_toy(rng, models, vocab, scale)
            results = [f(toy.logits, shortest, longest, size, n_best, exponent) for f in steps.values()]
            for early, late in zip(*results, strict=True):
                np.testing.assert_allclose(early, late, rtol=1e-6)


def test_forbidden_pieces_do_not_crowd_out_the_others(rng: np.random.Generator) -> None:
    """PAD, BOS and EOS are the most probable pieces, yet the four best of the five others must stay in the beam."""
    toy = oracles.random_toy(rng, 3, 8)
    toy.logits[:, :, [PAD_ID, BOS_ID, EOS_ID]] += 20.0
    found = run(toy, 2, 2, size=4, n_best=4)
    for row in range(3):
        following = toy.log_probs(row, ())
        best = sorted({1, 4, 5, 6, 7}, key=lambda token: -following[token])[:4]
        assert set(found.tokens[row, :, 0].tolist()) == set(best)


def rows_seen(toy: Toy, limits: Limits, options: SearchOptions) -> list[tuple[int, int]]:
    """Returns the rows of tokens and of memory in each call of the step function."""
    seen: list[tuple[int, int]] = []
    state = oracles.toy_state(len(toy.logits))
    beam_search(oracles.toy_step(seen), state, tf.constant(toy.logits), limits, options)
    return seen


def test_search_stops_as_soon_as_nothing_better_can_follow(rng: np.random.Generator) -> None:
    toy = oracles.random_toy(rng, 1, V)
    toy.logits[:, :, EOS_ID] += 20.0
    limits = Limits(tf.constant([0]), tf.constant([23]))
    assert len(rows_seen(toy, limits, search_options(beam_size=3, n_best=1, length_penalty=1.0))) == 1


def both_ways(
    toy: Toy, longest: list[int], exponent: float, n_best: int = 1
) -> list[tuple[Hypotheses, list[tuple[int, int]]]]:
    """Returns the results of the exact search and of the one that stops early, each with the rows of its steps."""
    limits, found = Limits(tf.constant([0] * len(longest)), tf.constant(longest)), []
    for early_stop in (False, True):
        seen: list[tuple[int, int]] = []
        options = search_options(beam_size=5, n_best=n_best, length_penalty=exponent, early_stop=early_stop)
        state = oracles.toy_state(len(longest))
        search = beam_search(oracles.toy_step(seen), state, tf.constant(toy.logits), limits, options)
        found.append((Hypotheses(*(x.numpy() for x in search)), seen))
    return found


@pytest.mark.parametrize("n_best", [1, 3])
def test_early_stop_finds_possible_hypotheses_in_fewer_steps_and_none_better(
    n_best: int, rng: np.random.Generator
) -> None:
    longest = [5, 4, 5, 3]
    toy = oracles.random_toy(rng, 4, V)
    toy.logits[:, :, EOS_ID] += 3.0  # most end soon, but the exact search has to continue
    (exact, steps), (early, fewer) = both_ways(toy, longest, 2.0, n_best)
    assert sum(rows for rows, _ in fewer) < sum(rows for rows, _ in steps)
    assert (early.scores <= exact.scores + 1e-6).all()
    for row, most in enumerate(longest):
        real = {e.tokens: e.score for e in oracles.all_hypotheses(toy, row, 0, most, 2.0)}
        for k in range(n_best):
            tokens = tuple(early.tokens[row, k, : early.lengths[row, k]].tolist())
            np.testing.assert_allclose(early.scores[row, k], real[tokens], rtol=1e-5, atol=1e-5)


def test_early_stop_is_exact_without_a_length_penalty(rng: np.random.Generator) -> None:
    (exact, steps), (early, same) = both_ways(oracles.random_toy(rng, 7, V), [5, 4, 5, 3, 9, 7, 1], 0.0, 3)
    assert same == steps
    for x, y in zip(exact, early, strict=True):
        np.testing.assert_array_equal(x, y)


def test_finished_sentences_leave_the_batch(rng: np.random.Generator) -> None:
    lengths = np.array([3, 11, 2, 7, 5], np.int32)
    toy = oracles.random_toy(rng, 5, V)
    options = search_options(beam_size=3, n_best=1, length_penalty=0.0)
    seen = rows_seen(toy, Limits(tf.constant(lengths), tf.constant(lengths)), options)
    assert len(seen) == 11
    for t, (_, sentences) in enumerate(seen):
        running = int((lengths > t).sum())
        assert sentences == 5 if t == 0 else (sentences - running) * beam._SHRINK_PART < sentences
    assert [sentences for _, sentences in seen][-1] == 1


def test_memory_is_never_tiled(rng: np.random.Generator) -> None:
    toy = oracles.random_toy(rng, 5, V)
    limits = Limits(tf.constant([0] * 5), tf.constant([2, 3, 5, 7, 11]))
    for rows, sentences in rows_seen(toy, limits, search_options(beam_size=7, n_best=2, length_penalty=1.0)):
        assert sentences <= 5
        assert rows == 7 * sentences


@pytest.mark.parametrize(("size", "n_best"), [(1, 1), (3, 2), (7, 7)])
def test_batch_equals_one_by_one(size: int, n_best: int, rng: np.random.Generator) -> None:
    longest = np.array([13, 2, 7, 1, 5, 11, 3])
    toy = oracles.random_toy(rng, 7, 11)
    toy.logits[:3, :, EOS_ID] -= 3.0  # some end late
    together = run(toy, 0, longest, size, n_best, 0.8)
    for row in range(7):
        alone = run(Toy(toy.logits[row : row + 1]), 0, longest[row], size, n_best, 0.8)
        width = alone.tokens.shape[2]
        np.testing.assert_array_equal(together.tokens[row, :, :width], alone.tokens[0])
        np.testing.assert_array_equal(together.tokens[row, :, width:], PAD_ID)
        for mine, theirs in zip(together[1:], alone[1:], strict=True):
            np.testing.assert_allclose(mine[row], theirs[0], rtol=1e-6)


def test_a_beam_of_one_is_greedy_where_the_end_is_clear(rng: np.random.Generator) -> None:
    """EOS has a probability near 0 or 1; in between, a beam of one may do better, see the next test."""
    sentences, longest = 31, 41
    toy = oracles.random_toy(rng, sentences, 11)
    toy.logits[:, :, EOS_ID] = np.where(rng.random([sentences, oracles.CODES]) < 0.3, 50.0, -50.0)
    limits = Limits(tf.zeros([sentences], tf.int32), tf.fill([sentences], longest))
    start, options = oracles.toy_state(sentences), search_options()
    greedy = greedy_search(oracles.toy_step(), start, tf.constant(toy.logits), limits, options)
    ended = (greedy.lengths < longest).numpy()[:, 0]  # by itself, not by the limit
    assert ended.mean() > 0.5
    one = run(toy, 0, longest, size=1)
    for row in np.flatnonzero(ended):
        length = one.lengths[row, 0]
        assert length == greedy.lengths[row, 0]
        np.testing.assert_array_equal(one.tokens[row, 0, :length], greedy.tokens[row, 0, :length])
        np.testing.assert_allclose(one.log_probs[row], greedy.log_probs[row], rtol=1e-5)


@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_a_beam_of_one_is_never_worse_than_greedy(exponent: float, rng: np.random.Generator) -> None:
    """It also considers hypotheses that greedy search passes over: those whose EOS is not the most probable piece."""
    sentences = 53
    toy = oracles.random_toy(rng, sentences, 7)
    limits = Limits(tf.fill([sentences], 2), tf.fill([sentences], 11))
    start, options = oracles.toy_state(sentences), search_options(length_penalty=exponent)
    greedy = greedy_search(oracles.toy_step(), start, tf.constant(toy.logits), limits, options)
    assert np.all(run(toy, 2, 11, size=1, exponent=exponent).scores >= greedy.scores - 1e-5)


def test_a_larger_length_penalty_gives_no_shorter_results(rng: np.random.Generator) -> None:
    toy = oracles.random_toy(rng, 31, V)
    lengths = [run(toy, 0, LONGEST, EVERYTHING, exponent=e).lengths for e in (0.0, 1.0, 3.0)]
    assert (lengths[0] <= lengths[1]).all()
    assert (lengths[1] <= lengths[2]).all()
    assert (lengths[0] < lengths[2]).any()


def test_missing_hypotheses_have_length_zero(rng: np.random.Generator) -> None:
    toy = oracles.random_toy(rng, 2, V)
    found = run(toy, 0, np.array([1, 2]), size=7, n_best=7)
    np.testing.assert_array_equal(found.lengths > 0, [[True] + [False] * 6, [True] * 4 + [False] * 3])
    assert (found.scores[found.lengths == 0] < -1e8).all()
    np.testing.assert_array_equal(found.tokens[found.lengths == 0], PAD_ID)


def test_no_sentences_give_no_hypotheses() -> None:
    found = run(Toy(np.zeros([0, oracles.CODES, V], np.float32)), 0, 0, size=3, n_best=2)
    assert found.lengths.shape == found.scores.shape == (0, 2)
    assert found.tokens.shape[:2] == (0, 2)


def test_one_trace_serves_all_shapes_and_settings(rng: np.random.Generator) -> None:
    for sentences, vocab, size in [(1, 5, 1), (2, 7, 3), (5, 11, 2), (3, 5, 13)]:
        run(oracles.random_toy(rng, sentences, vocab), 0, sentences + 1, size, size, 0.1 * sentences)
    assert traced().experimental_get_tracing_count() == 1


def test_length_penalty_is_that_of_wu() -> None:
    lengths = tf.constant([1, 2, 13])
    for exponent in (0.0, 0.6, 2.0):
        expected = [oracles.wu_penalty(n, exponent) for n in (1, 2, 13)]
        np.testing.assert_allclose(length_penalty(lengths, tf.constant(exponent)), expected, rtol=1e-6)
