"""Slow and obvious NumPy versions, in float64, of what the package computes, and small models to compare.

The package's layers are float32 throughout (`product` returns float32), so a numeric gradient through them would have
only three digits. Therefore gradients of these oracles, by central differences in float64, are compared with the
automatic gradients of the layers: if the values agree, the oracles are right, and so are their gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq_tf.config.common import SearchConfig
from seq2seq_tf.search.options import SearchOptions, by_name, values_of
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, StepFn
from seq2seq_tf.tasks.translation.config import TranslationModelConfig

Array = np.ndarray
Weights = dict[str, Array]


# --- Layers -----------------------------------------------------------------------------------------------------------


def small_config(**changes: Any) -> TranslationModelConfig:
    """Returns a configuration with small, distinct sizes and no dropout."""
    rates = ("word_dropout", "embedding_dropout", "layer_dropout", "encoder_dropout", "output_dropout")
    sizes = {"embedding_units": 5, "encoder_units": 3, "decoder_units": 7, "attention_units": 11, "output_units": 5}
    return TranslationModelConfig(**{**dict.fromkeys(rates, 0.0), **sizes, **changes})


def randomise(layer: keras.layers.Layer, rng: np.random.Generator, scale: float = 0.5) -> None:
    """Assigns random values to every variable, since biases of zero and gains of one hide mistakes."""
    for variable in layer.variables:
        variable.assign(rng.normal(0.0, scale, variable.shape) + (1.0 if "gain" in variable.name else 0.0))


def numpy_weights(layer: keras.layers.Layer) -> Weights:
    """Returns name -> float64 array of the layer's own variables."""
    return {v.name: np.asarray(v, np.float64) for v in layer.variables}


def numeric_gradient(f: Callable[[Array], float], x: Array, step: float = 1e-5) -> Array:
    """Returns df/dx by central differences, exact to about step ** 2."""
    gradient = np.zeros_like(x, np.float64)
    for place in np.ndindex(x.shape):
        up, down = x.astype(np.float64), x.astype(np.float64)
        up[place] += step
        down[place] -= step
        gradient[place] = (f(up) - f(down)) / (2.0 * step)
    return gradient


def numeric_gradients(f: Callable[..., float], tensors: dict[str, Array]) -> dict[str, Array]:
    """Returns name -> gradient of f(**tensors) by each of its arguments."""

    def at(name: str) -> Callable[[Array], float]:
        return lambda x: f(**{**tensors, name: x})

    return {name: numeric_gradient(at(name), value) for name, value in tensors.items()}


def sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def softmax(x: Array) -> Array:
    exps = np.exp(x - x.max(-1, keepdims=True))
    return exps / exps.sum(-1, keepdims=True)


def normalise(x: Array, gain: Array) -> Array:
    """Returns the layer normalisation of x [N, U] with gain [U] and without shift."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain


def cell_step(kind: str, w: Weights, x: Array, feed: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """Returns the next state of a cell. x: [N, I]; feed: [N, F], F = 0 for none; state: (h,) or (h, c), each [N, H]."""
    layer_norm = "input_gain" in w
    seen = x @ w["kernel"]
    seen = (normalise(seen, w["input_gain"]) if layer_norm else seen) + w["bias"]
    if kind == "gru":
        return _gru_step(w, seen, feed, state[0])
    share = np.concatenate([feed, state[0]], 1) @ w["recurrent_kernel"]
    gates = seen + (normalise(share, w["recurrent_gain"]) if layer_norm else share)
    if kind == "rnn":
        return (np.tanh(gates),)
    i, f, g, o = np.split(gates, 4, 1)
    c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(normalise(c, w["cell_gain"]) if layer_norm else c), c


def _gru_step(w: Weights, seen: Array, feed: Array, h: Array) -> tuple[Array, ...]:
    units = h.shape[1]
    feed_rows = feed.shape[1]
    seen = seen + feed @ w["recurrent_kernel"][:feed_rows]
    share = h @ w["recurrent_kernel"][feed_rows:]
    share = (normalise(share, w["recurrent_gain"]) if "recurrent_gain" in w else share) + w["recurrent_bias"]
    z = sigmoid(seen[:, :units] + share[:, :units])
    r = sigmoid(seen[:, units : 2 * units] + share[:, units : 2 * units])
    g = np.tanh(seen[:, 2 * units :] + r * share[:, 2 * units :])
    return (z * h + (1.0 - z) * g,)


def additive_attention(w: Weights, query: Array, values: Array) -> tuple[Array, Array]:
    """Attends with one query [Q] to the real pieces of one sentence, values [S, D] -> context [D], weights [S]."""
    keys = values @ w["key_kernel"] + w["key_bias"]
    scores = np.array([w["v"] @ np.tanh(query @ w["query_kernel"] + key) for key in keys])
    attention_weights = softmax(scores)
    return attention_weights @ values, attention_weights


def dot_attention(w: Weights, query: Array, values: Array) -> tuple[Array, Array]:
    """Like `additive_attention`, with the score query . value (Luong 2015)."""
    attention_weights = softmax(np.array([query @ value for value in values]))
    return attention_weights @ values, attention_weights


def general_attention(w: Weights, query: Array, values: Array) -> tuple[Array, Array]:
    """Like `additive_attention`, with the score query . W value (Luong 2015)."""
    attention_weights = softmax(np.array([value @ w["key_kernel"] @ query for value in values]))
    return attention_weights @ values, attention_weights


def multi_head_attention(w: Weights, query: Array, values: Array, heads: int) -> tuple[Array, Array]:
    """Like `additive_attention` for each head, on its share of units and projected values; averages the weights."""
    contexts, shown = [], []
    projected, units, depth = values @ w["value_kernel"], len(w["v"]) // heads, values.shape[1] // heads
    for head in range(heads):
        mine = slice(head * units, (head + 1) * units)
        own = {name: w[name][..., mine] for name in ("query_kernel", "key_kernel", "key_bias", "v")}
        _, attention_weights = additive_attention(own, query, values)
        contexts.append(attention_weights @ projected[:, head * depth : (head + 1) * depth])
        shown.append(attention_weights)
    return np.concatenate(contexts), np.mean(shown, 0)


def smoothed_cross_entropy(hidden: Array, table: Array, bias: Array, labels: Array, smoothing: float) -> Array:
    """Returns the cross-entropies [N] with the smoothed distribution, computed explicitly."""
    log_probs = np.log(softmax(hidden @ table.T + bias))
    wanted = (1.0 - smoothing) * np.eye(len(bias))[labels] + smoothing / len(bias)
    return -(wanted * log_probs).sum(-1)


# --- Search -----------------------------------------------------------------------------------------------------------

CODES = 13  # number of contexts that a toy model distinguishes


class Toy(NamedTuple):
    """A made-up model for B sentences: a code that depends on time and on all pieces so far selects the logits."""

    logits: Array  # [B, CODES, V] float32, the memory

    def log_probs(self, sentence: int, prefix: tuple[int, ...]) -> Array:
        """Returns the log-probabilities [V] of the piece after a prefix (without BOS)."""
        code = 0
        for time, token in enumerate((BOS_ID, *prefix)):
            code = next_code(code, token, time)
        return np.log(softmax(self.logits[sentence, code].astype(np.float64)))


def random_toy(rng: np.random.Generator, sentences: int, vocab: int, scale: float = 2.0) -> Toy:
    return Toy(rng.normal(0.0, scale, [sentences, CODES, vocab]).astype(np.float32))


def next_code(code: Any, token: Any, time: Any) -> Any:
    """Returns the code after one more token, which depends on the order of tokens; works on numbers and tensors."""
    return (5 * code + 3 * token + time + 1) % CODES


def toy_state(sentences: Any) -> dict[str, tf.Tensor]:
    """Returns the state before the first piece, [B] each."""
    return {"code": tf.zeros([sentences], tf.int32), "time": tf.zeros([sentences], tf.int32)}


def toy_step(seen: list[tuple[int, int]] | None = None) -> StepFn:
    """Returns the step function of toy models, whose memory is `Toy.logits`.

    Args:
      seen: list to which the numbers of rows of (tokens, memory) are appended at each call; only useful eagerly.
    """

    def step(tokens: tf.Tensor, state: dict[str, tf.Tensor], memory: tf.Tensor) -> tuple[tf.Tensor, Any]:
        if seen is not None:
            seen.append((tokens.shape[0], memory.shape[0]))
        code = next_code(state["code"], tokens, state["time"])  # [b*K]
        beam = tf.shape(tokens)[0] // tf.shape(memory)[0]
        sentence = tf.range(tf.shape(tokens)[0]) // beam
        logits = tf.gather_nd(memory, tf.stack([sentence, code], 1))  # [b*K, V]
        return logits, {"code": code, "time": state["time"] + 1}

    return step


class Found(NamedTuple):
    """A hypothesis of the brute-force search."""

    tokens: tuple[int, ...]  # with EOS
    log_prob: float
    score: float


def search_options(**given: Any) -> SearchOptions:
    """Returns search options, with defaults for those that are not given, except for a length_penalty of 0."""
    defaults = {**values_of(SearchConfig()), "length_penalty": 0.0}
    return by_name(SearchOptions, {**defaults, **given})


def wu_penalty(length: int, exponent: float) -> float:
    """Returns ((5 + length) / 6) ** exponent (Wu 2016, equation 14)."""
    return ((5.0 + length) / 6.0) ** exponent


def all_hypotheses(
    toy: Toy, sentence: int, shortest: int, longest: int, exponent: float, *, never: tuple[int, ...] = ()
) -> list[Found]:
    """Returns every hypothesis within the length limits and without the pieces in `never`, best first."""
    found: list[Found] = []

    def visit(prefix: tuple[int, ...], log_prob: float) -> None:
        following = toy.log_probs(sentence, prefix)
        length = len(prefix) + 1
        if length >= shortest:
            total = log_prob + following[EOS_ID]
            found.append(Found((*prefix, EOS_ID), total, total / wu_penalty(length, exponent)))
        if length < longest:
            for token in range(len(following)):
                if token not in (PAD_ID, BOS_ID, EOS_ID, *never):
                    visit((*prefix, token), log_prob + following[token])

    visit((), 0.0)
    return sorted(found, key=lambda hypothesis: -hypothesis.score)


def assert_same_weights(found: keras.layers.Layer, expected: keras.layers.Layer) -> None:
    """Asserts that the variables of both layers have the same paths and values."""
    assert [v.path for v in found.trainable_variables] == [v.path for v in expected.trainable_variables]
    for mine, theirs in zip(found.trainable_variables, expected.trainable_variables, strict=True):
        np.testing.assert_array_equal(mine, theirs, err_msg=theirs.path)
