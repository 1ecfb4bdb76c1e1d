"""Every kind of attention: its formula, no weight on padding, a memory shared by the queries of a sentence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.attention import Attention, BahdanauAttention, MultiHeadAttention, make_attention
from seq2seq_tf.structures import EncoderOutput, Memory
from tests import oracles

B, S, D, Q, A, K = 2, 5, 6, 7, 12, 13
LENGTHS = (3, 4)


class Kind(NamedTuple):
    """A kind of attention as the configuration names it, and its formula."""

    options: dict[str, object]
    oracle: Callable[..., tuple[np.ndarray, np.ndarray]]
    query_units: int = Q


KINDS = {
    "bahdanau": Kind({"attention": "bahdanau"}, oracles.additive_attention),
    "two heads": Kind({"attention": "bahdanau", "attention_heads": 2}, partial(oracles.multi_head_attention, heads=2)),
    "three heads": Kind(
        {"attention": "bahdanau", "attention_heads": 3}, partial(oracles.multi_head_attention, heads=3)
    ),
    "dot": Kind({"attention": "dot"}, oracles.dot_attention, D),
    "general": Kind({"attention": "general"}, oracles.general_attention),
}

pytestmark = pytest.mark.usefixtures("seed")


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def attention(kind: Kind, rng: np.random.Generator) -> Attention:
    return make(kind.options, kind.query_units, rng)


def make(options: dict[str, object], query_units: int, rng: np.random.Generator) -> Attention:
    layer = make_attention(oracles.small_config(attention_units=A, **options), dtype="float32")
    layer.build((None, query_units), (None, None, D))
    oracles.randomise(layer, rng)
    return layer


def draw(kind: Kind, rng: np.random.Generator, *, queries: int = B) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns queries [N, Q] and values [B, S, D], with garbage on padding."""
    return tuple(tf.constant(rng.normal(size=size), tf.float32) for size in ([queries, kind.query_units], [B, S, D]))


def prepare(attention: Attention, values: tf.Tensor) -> Memory:
    return attention.prepare(EncoderOutput(values, tf.sequence_mask(LENGTHS, values.shape[1]), ()))


def attend(attention: Attention, query: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
    last = tf.zeros([tf.shape(query)[0], D])
    return attention.attend(attention.weights_for_steps(), query, memory, last)


def test_attention_equals_numpy(kind: Kind, attention: Attention, rng: np.random.Generator) -> None:
    query, values = draw(kind, rng)
    contexts, attention_weights = attend(attention, query, prepare(attention, values))
    for row, length in enumerate(LENGTHS):
        real = np.asarray(values[row, :length], np.float64)
        context, weights = kind.oracle(oracles.numpy_weights(attention), query[row].numpy(), real)
        np.testing.assert_allclose(contexts[row], context, atol=1e-5)
        np.testing.assert_allclose(attention_weights[row, :length], weights, atol=1e-5)


def test_weights_sum_to_one_on_real_pieces_and_are_zero_on_padding(
    kind: Kind, attention: Attention, rng: np.random.Generator
) -> None:
    query, values = draw(kind, rng)
    _, attention_weights = attend(attention, query, prepare(attention, values))
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(tf.reduce_sum(attention_weights[row, :length]), 1.0, atol=1e-5)
        np.testing.assert_array_equal(attention_weights[row, length:], 0.0)


def test_padding_does_not_change_the_context(kind: Kind, attention: Attention, rng: np.random.Generator) -> None:
    query, values = draw(kind, rng)
    wider = tf.concat([values, 100.0 * tf.ones([B, 2, D])], 1)
    context, _ = attend(attention, query, prepare(attention, values))
    padded, _ = attend(attention, query, prepare(attention, wider))
    np.testing.assert_allclose(padded, context, atol=1e-5)


def test_queries_of_one_sentence_equal_a_tiled_memory(
    kind: Kind, attention: Attention, rng: np.random.Generator
) -> None:
    query, values = draw(kind, rng, queries=B * K)
    memory = prepare(attention, values)
    tiled = tf.nest.map_structure(lambda x: tf.repeat(x, K, axis=0), memory)
    for got, expected in zip(attend(attention, query, memory), attend(attention, query, tiled), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)


def test_gradient_equals_numeric_gradient(kind: Kind, attention: Attention, rng: np.random.Generator) -> None:
    query, values = draw(kind, rng)
    upstream = rng.normal(size=[B, D])
    arrays = {"query": query.numpy(), "values": values.numpy(), **oracles.numpy_weights(attention)}

    def loss(query: np.ndarray, values: np.ndarray, **weights: np.ndarray) -> float:
        rows = zip(upstream, query, values, LENGTHS, strict=True)
        return sum(float(u @ kind.oracle(weights, q, v[:n])[0]) for u, q, v, n in rows)

    expected = oracles.numeric_gradients(loss, arrays)
    with tf.GradientTape() as tape:
        tape.watch([query, values])
        context, _ = attend(attention, query, prepare(attention, values))
        total = tf.reduce_sum(context * tf.constant(upstream, tf.float32))
    names = [*arrays][:2] + [v.name for v in attention.trainable_variables]
    gradients = tape.gradient(total, [query, values, *attention.trainable_variables])
    for name, gradient in zip(names, gradients, strict=True):
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-4, atol=5e-5, err_msg=name)


def test_an_empty_sentence_gives_no_weights(kind: Kind, attention: Attention, rng: np.random.Generator) -> None:
    query, _ = draw(kind, rng)
    encoded = EncoderOutput(tf.zeros([B, 0, D]), tf.ones([B, 0], tf.bool), ())
    context, attention_weights = attend(attention, query, attention.prepare(encoded))
    assert attention_weights.shape == [B, 0]
    np.testing.assert_array_equal(context, np.zeros([B, D]))


def test_one_head_with_unprojected_values_is_bahdanau(rng: np.random.Generator) -> None:
    bahdanau = make({"attention": "bahdanau"}, Q, rng)
    one = MultiHeadAttention(A, 1, dtype="float32")
    one.build((None, Q), (None, None, D))
    for mine, theirs in zip(one.variables[:4], bahdanau.variables, strict=True):
        mine.assign(theirs)
    one.value_kernel.assign(np.eye(D))
    query, values = draw(KINDS["bahdanau"], rng)
    found, expected = (attend(layer, query, prepare(layer, values)) for layer in (one, bahdanau))
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_without_attention_the_summary_remains_the_context(rng: np.random.Generator) -> None:
    layer = make({"attention": "none"}, Q, rng)
    query, summary = tf.zeros([B, Q]), tf.constant(rng.normal(size=[B, D]), tf.float32)
    first = layer.first_context(summary)
    memory = prepare(layer, tf.zeros([B, S, D]))
    context, attention_weights = layer.attend(layer.weights_for_steps(), query, memory, first)
    np.testing.assert_array_equal(context, summary)
    assert attention_weights.shape == [B, 0]
    assert not layer.variables
    assert not layer.has_weights


def test_only_bahdanau_with_one_head_may_be_replaced_by_the_fused_loop(rng: np.random.Generator) -> None:
    """Each kind declares this: another kind with two weights must not silently train as Bahdanau."""

    class Other(BahdanauAttention):
        """A subclass, which might score differently."""

    assert [name for name, kind in KINDS.items() if make(kind.options, kind.query_units, rng).can_fuse] == ["bahdanau"]
    assert not make({"attention": "none"}, Q, rng).can_fuse
    assert not Attention(dtype="float32").can_fuse
    assert not Other(A, dtype="float32").can_fuse


@pytest.mark.parametrize("heads", [1, 4])
def test_scores_start_with_about_unit_variance(heads: int, rng: np.random.Generator) -> None:
    units = 4 * 997
    layer = make_attention(oracles.small_config(attention_units=units, attention_heads=heads), dtype="float32")
    layer.build((None, Q), (None, None, 4))
    v = np.asarray(layer.weights_for_steps()[1], np.float64).reshape([units, heads])
    scores = rng.choice([-1.0, 1.0], size=[499, units]) @ v
    assert np.all((scores.std(0) > 0.8) & (scores.std(0) < 1.25))


def test_sizes_that_do_not_match_are_rejected() -> None:
    for options in {"attention": "dot"}, {"attention_heads": 5}:
        layer = make_attention(oracles.small_config(attention_units=A, **options), dtype="float32")
        with pytest.raises(ValueError, match=f"5 heads must divide {A} units|same size, got {Q}, {D}"):
            layer.build((None, Q), (None, None, D))
