"""Sampling: the filtered distribution equals NumPy's, and a text does not depend on how it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.search.sampling import Drawable, SamplingOptions, draw, filtered, sample
from seq2seq_tf.structures import BOS_ID, PAD_ID
from tests import oracles

N, V, T = 3, 13, 17


def options(temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0) -> SamplingOptions:
    return SamplingOptions(tf.constant(temperature), tf.constant(top_k), tf.constant(top_p))


def expected(logits: np.ndarray, temperature: float, top_k: int, top_p: float) -> np.ndarray:
    """Returns one row [V], computed by definition: temperature, then top-k, then the fewest with mass top_p."""
    if temperature == 0.0:
        return np.eye(len(logits))[np.argmax(logits)]
    order = np.argsort(-logits, kind="stable")
    probabilities = oracles.softmax(logits.astype(np.float64) / temperature)
    kept = order[: top_k or len(order)]
    probabilities = probabilities / probabilities[kept].sum()
    chosen, mass = [], 0.0
    for symbol in kept:
        if mass >= top_p:
            break
        chosen.append(symbol)
        mass += probabilities[symbol]
    result = np.zeros(len(logits))
    result[chosen] = probabilities[chosen] / probabilities[chosen].sum()
    return result


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("top_k", [0, 1, 4, V, V + 5])
@pytest.mark.parametrize("top_p", [1e-6, 0.4, 0.9, 1.0])
def test_the_filtered_distribution_is_exact(
    rng: np.random.Generator, temperature: float, top_k: int, top_p: float
) -> None:
    logits = rng.normal(0.0, 2.0, [N, V]).astype(np.float32)
    found = filtered(tf.constant(logits), options(temperature, top_k, top_p))
    for row in range(N):
        probabilities = np.zeros(V)
        probabilities[found.ids[row].numpy()] = found.probabilities[row].numpy()
        np.testing.assert_allclose(probabilities, expected(logits[row], temperature, top_k, top_p), atol=1e-6)


def test_equal_logits_are_kept_in_the_order_of_their_ids() -> None:
    found = filtered(tf.zeros([1, V]), options(top_k=3))
    assert found.ids[0, :3].numpy().tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.probabilities[0, :4], [1 / 3, 1 / 3, 1 / 3, 0.0], atol=1e-6)


def test_a_draw_is_the_inverse_of_the_cumulative_distribution(rng: np.random.Generator) -> None:
    logits = tf.constant(rng.normal(0.0, 1.5, [1, V]), tf.float32)
    candidates = filtered(logits, options(top_p=0.8))
    grid = (np.arange(20_000) + 0.5) / 20_000
    repeated = type(candidates)(*(tf.repeat(x, len(grid), 0) for x in candidates))
    drawn = draw(repeated, tf.constant(grid, tf.float32)).numpy()
    shares = np.bincount(drawn, minlength=V) / len(grid)
    np.testing.assert_allclose(shares, expected(logits.numpy()[0], 1.0, 0, 0.8), atol=1e-4)


def test_the_largest_uniform_number_draws_a_symbol_that_was_kept() -> None:
    candidates = filtered(tf.constant([[5.0, 1.0, 0.0, -3.0]]), options(top_k=2))
    assert draw(candidates, tf.constant([np.nextafter(1.0, 0.0, dtype=np.float32)])).numpy().tolist() == [1]


def toy(rng: np.random.Generator) -> tuple[Any, Drawable]:
    """Returns a step whose logits depend on all symbols so far; the first four symbols are special."""
    tables = tf.constant(rng.normal(0.0, 2.0, [oracles.CODES, V]), tf.float32)

    def step(tokens: tf.Tensor, state: dict[str, tf.Tensor], memory: tuple[()]) -> tuple[tf.Tensor, Any]:
        assert memory == ()
        code = oracles.next_code(state["code"], tokens, state["time"])
        return tf.gather(tables, code), {"code": code, "time": state["time"] + 1}

    allowed = np.ones(V, bool)
    allowed[[0, 1, 3]] = False
    return step, Drawable(tf.constant(allowed), BOS_ID)


def test_a_text_is_the_same_drawn_in_one_call_or_in_parts(rng: np.random.Generator) -> None:
    step, drawable = toy(rng)
    uniforms = tf.constant(rng.random([N, T]), tf.float32)
    first, state = tf.fill([N], BOS_ID), oracles.toy_state(N)
    whole = sample(step, first, state, uniforms, options(1.3), drawable)
    last, parts = first, []
    for begin, end in ((0, 1), (1, 2), (2, 2), (2, 9), (9, T)):
        drawn = sample(step, last, state, uniforms[:, begin:end], options(1.3), drawable)
        last, state = drawn.last, drawn.state
        parts.append(drawn.tokens)
    np.testing.assert_array_equal(tf.concat(parts, 1), whole.tokens)
    traced = tf.function(lambda u: sample(step, first, oracles.toy_state(N), u, options(1.3), drawable).tokens)
    np.testing.assert_array_equal(traced(uniforms), whole.tokens)


def test_each_step_draws_from_the_filtered_distribution_of_its_text(rng: np.random.Generator) -> None:
    step, drawable = toy(rng)
    uniforms = rng.random([N, T]).astype(np.float32)
    found = sample(step, tf.fill([N], BOS_ID), oracles.toy_state(N), tf.constant(uniforms), options(), drawable)
    penalty = np.where(drawable.allowed, 0.0, -1e9).astype(np.float32)
    for row in range(N):
        state, last = oracles.toy_state(1), BOS_ID
        for t, token in enumerate(found.tokens[row].numpy()):
            if last == PAD_ID:
                assert token == PAD_ID
                continue
            logits, state = step(tf.constant([last]), state, ())
            candidates = filtered(logits + penalty, options())
            assert token == draw(candidates, tf.constant(uniforms[row, t : t + 1])).numpy()[0]
            assert drawable.allowed[token]
            last = PAD_ID if token == BOS_ID else token


def test_after_the_end_comes_padding_and_the_loop_stops(rng: np.random.Generator) -> None:
    _, drawable = toy(rng)
    calls = []

    def step(tokens: tf.Tensor, state: tf.Tensor, _: Any) -> tuple[tf.Tensor, tf.Tensor]:
        calls.append(1)
        wanted = tf.where(state >= tf.constant([2, 4, 1]), BOS_ID, 7)  # where each text ends
        return tf.one_hot(wanted, V, 9.0, 0.0), state + 1

    found = sample(step, tf.fill([N], 5), tf.zeros([N], tf.int32), tf.zeros([N, T]), options(0.0), drawable)
    texts = [row[row != PAD_ID].tolist() for row in found.tokens.numpy()]
    assert texts == [[7, 7, BOS_ID], [7, 7, 7, 7, BOS_ID], [7, BOS_ID]]
    assert len(calls) == 5
    assert found.last.numpy().tolist() == [PAD_ID] * N


def test_symbols_that_are_not_allowed_are_never_drawn_at_any_temperature(rng: np.random.Generator) -> None:
    _, drawable = toy(rng)

    def step(tokens: tf.Tensor, state: tuple[()], _: Any) -> tuple[tf.Tensor, tuple[()]]:
        return tf.one_hot(tf.zeros_like(tokens), V, 50.0, 0.0), state  # the model wants PAD

    for temperature in (0.0, 1e-5, 1.0, 100.0):
        uniforms = tf.constant(rng.random([N, T]), tf.float32)
        found = sample(step, tf.fill([N], 5), (), uniforms, options(temperature), drawable).tokens.numpy()
        assert not np.isin(found[:, 0], [0, 1, 3]).any()
