"""The language model equals plain NumPy; chunks equal the whole text, and padding has no effect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.structures import BOS_ID, PAD_ID
from seq2seq_tf.tasks.language_model.model import LanguageModel
from tests import oracles
from tests.language_models import model_config

B, T, V = 3, 11, 13
SEED = tf.constant([3, 5])
RECURRENT: list[dict[str, Any]] = [
    {"cell": "lstm"},
    {"cell": "lstm", "fused": False, "layers": 2, "residual": False},
    {"cell": "lstm", "layers": 2, "layer_norm": True},
    {"cell": "gru", "layers": 2, "output_units": 3},
    {"cell": "gru", "layer_norm": True},
    {"cell": "rnn", "layers": 3, "output_units": 5, "tie": True},
]
CONFIGS: list[dict[str, Any]] = [
    *RECURRENT,
    {"cell": "window", "window": 1},
    {"cell": "window", "window": 3, "layers": 3, "output_units": 5, "tie": True},
    {"cell": "window", "window": 5, "layers": 2, "residual": False},
]

pytestmark = pytest.mark.usefixtures("seed")


def make(rng: np.random.Generator, *, smoothing: float = 0.1, **changes: Any) -> LanguageModel:
    model = LanguageModel(model_config(**changes), V, precision="float32", smoothing=smoothing)
    model.build()
    oracles.randomise(model, rng)
    return model


def draw(rng: np.random.Generator, width: int = T + 1) -> tf.Tensor:
    return tf.constant(rng.integers(4, V, [B, width]), tf.int32)


def random_state(model: LanguageModel, rng: np.random.Generator) -> Any:
    """Returns states, or the tokens of a window, of which one is not yet full."""

    def drawn(zeros: tf.Tensor) -> tf.Tensor:
        if zeros.dtype != tf.int32:
            return tf.constant(rng.normal(0.0, 0.5, zeros.shape), tf.float32)
        window = rng.integers(4, V, zeros.shape)
        window[1, :-1] = PAD_ID
        return tf.constant(window, tf.int32)

    return tf.nest.map_structure(drawn, model.initial_carry(tf.constant(B)))


def numpy_logits(model: LanguageModel, ids: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
    """Returns logits [B, T, V] and what is carried after them, computed step by step in float64."""
    config, own = model.config, oracles.numpy_weights(model)
    table = np.asarray(model.embedding.table, np.float64)
    step = _window_step if config.cell == "window" else _recurrent_step
    logits = []
    for t in range(ids.shape[1]):
        x, state = step(model, table, ids[:, t], state)
        if config.output_units:
            x = np.tanh(x @ own["output_kernel"] + own["output_bias"])
        logits.append(x @ (table if config.tie else own["output_table"]).T + own["vocabulary_bias"])
    return np.stack(logits, 1), state


def _recurrent_step(model: LanguageModel, table: np.ndarray, tokens: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
    states = [tuple(np.asarray(s, np.float64) for s in layer) for layer in state]
    x = table[tokens]
    for n, cell in enumerate(model.cells):
        states[n] = oracles.cell_step(model.config.cell, oracles.numpy_weights(cell), x, x[:, :0], states[n])
        x = x + states[n][0] if n and model.config.residual else states[n][0]
    return x, tuple(states)


def _window_step(model: LanguageModel, table: np.ndarray, tokens: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
    weights = oracles.numpy_weights(model.stack)
    window = np.concatenate([np.asarray(state)[:, 1:], tokens[:, np.newaxis]], 1)  # [B, tau]
    x = np.stack([np.concatenate([table[i] if i != PAD_ID else 0.0 * table[i] for i in row]) for row in window])
    for n in range(model.config.layers):
        h = np.tanh(x @ weights[f"kernel_{n}"] + weights[f"bias_{n}"])
        x = x + h if n and model.config.residual else h
    return x, window


def assert_same(found: Any, expected: Any, atol: float = 2e-5) -> None:
    for mine, theirs in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=atol)


@pytest.mark.parametrize("changes", CONFIGS)
def test_loss_logits_scores_and_steps_equal_plain_numpy(rng: np.random.Generator, changes: dict[str, Any]) -> None:
    model = make(rng, smoothing=0.2, **changes)
    ids, state = draw(rng), random_state(model, rng)
    expected, last = numpy_logits(model, ids.numpy()[:, :-1], state)
    assert_same(model.logits(ids[:, :-1], state), (expected, last))
    log_probs = np.log(oracles.softmax(expected))
    nll = -np.take_along_axis(log_probs, ids.numpy()[:, 1:, np.newaxis], 2)[:, :, 0]
    assert_same(model.score(ids, state), (nll, last))
    loss, carry = model.batch_loss(ids, state, dropout_seed=None)
    assert_same(carry, last)
    smoothed = 0.8 * nll.sum() - 0.2 * log_probs.mean(2).sum()
    np.testing.assert_allclose([loss.total, loss.nll, loss.weight], [smoothed, nll.sum(), B * T], rtol=1e-5)
    step = model.step_fn()
    for t in range(T):
        logits, state = step(ids[:, t], state, ())
        np.testing.assert_allclose(logits, expected[:, t], atol=2e-5)
    assert_same(state, last)


@pytest.mark.parametrize("changes", CONFIGS)
def test_consecutive_chunks_equal_the_whole(rng: np.random.Generator, changes: dict[str, Any]) -> None:
    model, ids = make(rng, **changes), draw(rng)
    whole, last = model.batch_loss(ids, model.initial_carry(B), dropout_seed=None)
    carry, total = model.initial_carry(B), 0.0
    for start, stop in ((0, 1), (1, 6), (6, T)):
        loss, carry = model.batch_loss(ids[:, start : stop + 1], carry, dropout_seed=None)
        total += float(loss.total)
    np.testing.assert_allclose(total, whole.total, rtol=1e-5)
    assert_same(carry, last)


@pytest.mark.parametrize("changes", CONFIGS[5:])
def test_the_last_token_alone_scores_as_it_does_among_all(rng: np.random.Generator, changes: dict[str, Any]) -> None:
    model, ids = make(rng, **changes), draw(rng)
    state = random_state(model, rng)
    np.testing.assert_allclose(model.score_last(ids, state), model.score(ids, state)[0][:, -1], atol=2e-5)


def test_no_gradient_flows_into_the_previous_chunk(rng: np.random.Generator) -> None:
    """Truncated back-propagation: two chunks under one tape give the sum of their separate gradients."""
    model, ids = make(rng, layers=2), draw(rng)
    variables = [v.value for v in model.trainable_variables]
    zero = model.initial_carry(B)
    with tf.GradientTape() as tape:
        first, carry = model.batch_loss(ids[:, :6], zero, dropout_seed=None)
        second, _ = model.batch_loss(ids[:, 5:], carry, dropout_seed=None)
        both = first.total + second.total
    together = tape.gradient(both, variables)
    alone = []
    for part, start in ((ids[:, :6], zero), (ids[:, 5:], tf.nest.map_structure(tf.constant, carry))):
        with tf.GradientTape() as tape:
            loss = model.batch_loss(part, start, dropout_seed=None)[0].total
        alone.append(tape.gradient(loss, variables))
    for both_, one, two in zip(together, *alone, strict=True):
        summed = tf.convert_to_tensor(one) + tf.convert_to_tensor(two)
        np.testing.assert_allclose(tf.convert_to_tensor(both_), summed, atol=1e-4)


@pytest.mark.parametrize("changes", CONFIGS)
def test_a_padded_batch_equals_each_row_alone(rng: np.random.Generator, changes: dict[str, Any]) -> None:
    model, ids = make(rng, **changes), draw(rng).numpy()
    lengths = (12, 5, 2)
    for row, length in enumerate(lengths):
        ids[row, length:] = PAD_ID
    nll, _ = model.score(tf.constant(ids), model.initial_carry(B))
    _, last = model.logits(tf.constant(ids), model.initial_carry(B))
    layers, last_states = model.states(tf.constant(ids), model.initial_carry(B))
    assert_same(last_states, last)
    for row, length in enumerate(lengths):
        one = tf.constant(ids[row : row + 1, :length])
        alone, _ = model.score(one, model.initial_carry(1))
        np.testing.assert_allclose(nll[row, : length - 1], alone[0], atol=2e-5)
        np.testing.assert_array_equal(nll[row, length - 1 :], 0.0)
        states, final = model.states(one, model.initial_carry(1))
        assert_same(
            tf.nest.map_structure(lambda x, row=row: x[row], last), tf.nest.map_structure(lambda x: x[0], final)
        )
        for mine, theirs in zip(tf.nest.flatten(layers), tf.nest.flatten(states), strict=True):
            np.testing.assert_allclose(mine[row, :length], theirs[0], atol=2e-5)


def numpy_gates(model: LanguageModel, layer: int, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Returns the gates of one step [B, G, H], from its input and the previous output."""
    cell = model.cells[layer]
    w = oracles.numpy_weights(cell)
    seen, share = x @ w["kernel"], h @ w["recurrent_kernel"]
    if cell.layer_norm:
        seen, share = oracles.normalise(seen, w["input_gain"]), oracles.normalise(share, w["recurrent_gain"])
    blocks = np.split(seen + w["bias"] + share + w.get("recurrent_bias", 0.0), cell.gates, 1)
    chosen = {"lstm": [0, 1, 3], "gru": [0, 1], "rnn": []}[model.config.cell]
    return np.stack([oracles.sigmoid(blocks[n]) for n in chosen], 1) if chosen else np.zeros([B, 0, cell.units])


@pytest.mark.parametrize("changes", RECURRENT)
def test_states_and_gates_over_time_equal_those_of_single_steps(
    rng: np.random.Generator, changes: dict[str, Any]
) -> None:
    model, ids = make(rng, **changes), draw(rng, T)
    state = random_state(model, rng)
    layers, final = model.states(ids, state)
    step = model.step_fn()
    for t in range(T):
        before = state
        _, state = step(ids[:, t], state, ())
        x = model.embedding.embed(ids[:, t]).numpy()
        for n, layer in enumerate(layers):
            assert_same(tuple(s[:, t] for s in layer.states), state[n])
            np.testing.assert_allclose(layer.gates[:, t], numpy_gates(model, n, x, before[n][0].numpy()), atol=2e-5)
            y = state[n][0].numpy()
            x = x + y if n and model.config.residual else y
    assert_same(final, state)


@pytest.mark.parametrize("changes", CONFIGS)
def test_every_variable_gets_a_gradient_and_fused_equals_plain(
    rng: np.random.Generator, changes: dict[str, Any]
) -> None:
    ids = draw(rng)
    found = []
    for fused in (True, False):
        model = make(np.random.default_rng(7), **{**changes, "fused": fused})
        with tf.GradientTape() as tape:
            loss = model.batch_loss(ids, model.initial_carry(B), dropout_seed=None)[0].total
        found.append(
            [tf.convert_to_tensor(g) for g in tape.gradient(loss, [v.value for v in model.trainable_variables])]
        )
    for fused_, plain in zip(*found, strict=True):
        np.testing.assert_allclose(fused_, plain, atol=1e-4)
        assert float(tf.reduce_max(tf.abs(plain))) > 0.0


@pytest.mark.parametrize("cell", ["lstm", "window"])
def test_dropout_depends_only_on_the_seed_and_is_off_without_one(rng: np.random.Generator, cell: str) -> None:
    rates = {"word_dropout": 0.2, "embedding_dropout": 0.3, "layer_dropout": 0.3, "output_dropout": 0.4}
    model, ids = make(rng, layers=2, cell=cell, **rates), draw(rng)

    def total(seed: tf.Tensor | None) -> float:
        return float(model.batch_loss(ids, model.initial_carry(B), dropout_seed=seed)[0].total)

    assert total(SEED) == total(SEED)
    assert len({total(SEED), total(SEED + 1), total(None)}) == 3


@pytest.mark.parametrize("cell", ["lstm", "window"])
def test_traced_equals_eager_for_all_shapes_in_one_trace(rng: np.random.Generator, cell: str) -> None:
    model = make(rng, layers=2, cell=cell)
    carry = model.carry_spec()
    ids = tf.TensorSpec([None, None], tf.int32)
    score, states = (tf.function(f, input_signature=[ids, carry]) for f in (model.score, model.states))
    for rows, width in ((3, 12), (1, 2), (2, 5)):
        chosen, zero = draw(rng)[:rows, :width], model.initial_carry(rows)
        assert_same(score(chosen, zero), model.score(chosen, zero))
        assert_same(states(chosen, zero), model.states(chosen, zero))
    assert score.experimental_get_tracing_count() == states.experimental_get_tracing_count() == 1


def test_the_beginning_of_a_file_is_a_token_like_any_other(rng: np.random.Generator) -> None:
    """The state is not reset inside a stream."""
    model, ids = make(rng), draw(rng).numpy()
    ids[:, 4] = BOS_ID
    _, reset = model.score(tf.constant(ids[:, 4:]), model.initial_carry(B))
    _, carried = model.score(tf.constant(ids), model.initial_carry(B))
    assert not np.allclose(carried[0][0], reset[0][0], atol=1e-3)
