"""The forecasting network equals plain NumPy; chunks equal the whole series, and a row is alone in its batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.structures import CellStates
from seq2seq_tf.tasks.forecasting.model import Forecasting, SeriesBatch
from tests import oracles
from tests.series_runs import SCALING, make_model

B, T, V, K = 3, 5, 2, 3
SEED = tf.constant([3, 5])
CONFIGS: list[dict[str, Any]] = [
    {"predicts": "step", "cell": "lstm", "layers": 2, "difference": 2, "calendar": "year"},
    {"predicts": "step", "cell": "gru", "distribution": "quantile"},
    {"predicts": "horizon", "cell": "lstm", "calendar": "day,week"},
    {"predicts": "horizon", "cell": "gru", "layers": 2, "residual": False, "difference": 2},
    {
        "predicts": "horizon",
        "cell": "rnn",
        "layers": 2,
        "layer_norm": True,
        "difference": 1,
        "distribution": "quantile",
    },
]

pytestmark = pytest.mark.usefixtures("seed")


def draw(model: Forecasting, rng: np.random.Generator, steps: int = T, rows: int = B) -> SeriesBatch:
    after = model.config.horizon if model.config.predicts == "horizon" else 1
    values = rng.normal(SCALING.mean, SCALING.scale, [rows, model.config.difference + steps + after, V])
    calendar = rng.normal(0.0, 1.0, [rows, steps, 2 * len(model.config.cycles)])
    return SeriesBatch(tf.constant(values), tf.constant(calendar, tf.float32))


def carry_of(model: Forecasting, rng: np.random.Generator) -> Any:
    if model.config.predicts == "horizon":
        return ()
    zeros = model.initial_carry(tf.constant(B))
    return tf.nest.map_structure(lambda x: tf.constant(rng.normal(0.0, 0.5, x.shape), tf.float32), zeros)


def numpy_read(model: Forecasting, z: np.ndarray, calendar: np.ndarray, state: CellStates) -> tuple[np.ndarray, Any]:
    """Returns the outputs [B, T, H] and the final state, computed step by step in float64."""
    own = oracles.numpy_weights(model)
    states = [tuple(np.asarray(s, np.float64) for s in layer) for layer in state]
    outputs = []
    for t in range(z.shape[1]):
        x = np.concatenate([z[:, t], calendar[:, t]], 1) @ own["input_kernel"] + own["input_bias"]
        for n, cell in enumerate(model.cells):
            states[n] = oracles.cell_step(model.config.cell, oracles.numpy_weights(cell), x, x[:, :0], states[n])
            x = x + states[n][0] if n and model.config.residual else states[n][0]
        outputs.append(x)
    return np.stack(outputs, 1), tuple(states)


def numpy_losses(model: Forecasting, batch: SeriesBatch, state: Any) -> tuple[np.ndarray, Any]:
    """Returns the losses of all numbers, by the definition, and the carry."""
    own, config = oracles.numpy_weights(model), model.config
    values, calendar = batch.values.numpy(), batch.calendar.numpy()
    d, p = config.difference, model.distribution.parameters

    def unit(t: int) -> np.ndarray:
        change = values[:, t] - values[:, t - d] if d else values[:, t]
        return (change - SCALING.mean) / SCALING.scale

    if config.predicts == "step":
        z = np.stack([unit(t) for t in range(d, values.shape[1])], 1)
        outputs, last = numpy_read(model, z[:, :-1], calendar, state)
        params = (outputs @ own["output_kernel"] + own["output_bias"]).reshape([*outputs.shape[:2], V, p])
        targets = z[:, 1:]
    else:
        end = values.shape[1] - K
        z = np.stack([unit(t) for t in range(d, end)], 1)
        outputs, _ = numpy_read(model, z, calendar, model.initial_carry(len(values)))
        params, last = (outputs[:, -1] @ own["output_kernel"] + own["output_bias"]).reshape([-1, K, V, p]), ()
        # The base of step k is the last value that was seen a multiple of D steps before it.
        bases = [values[:, max(t for t in range(end) if (end + k - t) % d == 0)] if d else 0.0 for k in range(K)]
        targets = np.stack([(values[:, end + k] - bases[k] - SCALING.mean) / SCALING.scale for k in range(K)], 1)
    found = model.distribution.loss(tf.constant(params, tf.float32), tf.constant(targets, tf.float32))
    return found.numpy(), last


def assert_same(found: Any, expected: Any, atol: float = 5e-5) -> None:
    for mine, theirs in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=atol, rtol=1e-4)


@pytest.mark.parametrize("changes", CONFIGS)
def test_losses_and_carry_equal_plain_numpy(rng: np.random.Generator, changes: dict[str, Any]) -> None:
    model = make_model(rng, **changes)
    batch, state = draw(model, rng), carry_of(model, rng)
    wanted, last = numpy_losses(model, batch, state)
    found, carry = model.losses(batch, state, dropout_seed=None)
    assert_same((found, carry), (wanted, last))
    loss, carry = model.batch_loss(batch, state, dropout_seed=None)
    assert_same(carry, last)
    np.testing.assert_allclose(loss, [wanted.sum(), wanted.sum(), wanted.size], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("changes", [config for config in CONFIGS if config["predicts"] == "step"])
def test_consecutive_chunks_equal_the_whole(rng: np.random.Generator, changes: dict[str, Any]) -> None:
    model = make_model(rng, **changes)
    batch, d = draw(model, rng), model.config.difference
    whole, last = model.losses(batch, model.initial_carry(B), dropout_seed=None)
    carry, parts = model.initial_carry(B), []
    for start, stop in ((0, 1), (1, 4), (4, T)):
        part = SeriesBatch(batch.values[:, start : stop + d + 1], batch.calendar[:, start:stop])
        losses, carry = model.losses(part, carry, dropout_seed=None)
        parts.append(losses)
    assert_same((tf.concat(parts, 1), carry), (whole, last))


def test_no_gradient_flows_into_the_previous_chunk(rng: np.random.Generator) -> None:
    model = make_model(rng, predicts="step", layers=2)
    batch = draw(model, rng)
    with tf.GradientTape() as tape:
        _, carry = model.batch_loss(batch, model.initial_carry(B), dropout_seed=None)
        later = tf.add_n([tf.reduce_sum(x) for x in tf.nest.flatten(carry)])
    assert all(gradient is None for gradient in tape.gradient(later, [v.value for v in model.trainable_variables]))


@pytest.mark.slow
@pytest.mark.parametrize("changes", CONFIGS[::3])
def test_a_row_in_a_batch_equals_the_row_alone(rng: np.random.Generator, changes: dict[str, Any]) -> None:
    model = make_model(rng, **changes)
    batch, state = draw(model, rng), carry_of(model, rng)
    together, _ = model.losses(batch, state, dropout_seed=None)
    for row in range(B):
        one, start = tf.nest.map_structure(lambda x, n=row: x[n : n + 1], (batch, state))
        assert_same(model.losses(one, start, dropout_seed=None)[0], together[row : row + 1])


@pytest.mark.slow
@pytest.mark.parametrize("changes", CONFIGS[::2])
def test_every_variable_gets_a_gradient_and_fused_equals_plain(
    rng: np.random.Generator, changes: dict[str, Any]
) -> None:
    found = []
    batch = draw(make_model(rng, **changes), rng)
    for fused in (True, False):
        model = make_model(np.random.default_rng(7), **{**changes, "fused": fused})
        with tf.GradientTape() as tape:
            start = model.initial_carry(B) if model.config.predicts == "step" else ()
            loss = model.batch_loss(batch, start, dropout_seed=None)[0].total
        found.append(tape.gradient(loss, [v.value for v in model.trainable_variables]))
    for fused_, plain in zip(*found, strict=True):
        np.testing.assert_allclose(fused_, plain, atol=2e-3, rtol=1e-3)
        assert float(tf.reduce_max(tf.abs(plain))) > 0.0


def test_dropout_depends_only_on_the_seed_and_is_off_without_one(rng: np.random.Generator) -> None:
    rates: dict[str, Any] = dict.fromkeys(("word_dropout", "embedding_dropout", "layer_dropout", "output_dropout"), 0.3)
    model = make_model(rng, layers=2, **rates)
    batch = draw(model, rng)

    def total(seed: tf.Tensor | None) -> float:
        return float(model.batch_loss(batch, (), dropout_seed=seed)[0].total)

    assert total(SEED) == total(SEED)
    assert len({total(SEED), total(SEED + 1), total(None)}) == 3


def test_large_numbers_lose_nothing_before_they_are_scaled(rng: np.random.Generator) -> None:
    """In float32 a change of 0.5 between two numbers of 1e9 would be 0 or 64."""
    model = make_model(rng, predicts="step", difference=1)
    values = tf.constant(1e9 + np.cumsum(np.full([1, 5, V], 0.5), 1))
    np.testing.assert_allclose(model.inputs(values), np.broadcast_to((0.5 - SCALING.mean) / SCALING.scale, [1, 4, V]))


@pytest.mark.slow
@pytest.mark.parametrize("changes", [config for config in CONFIGS if config["predicts"] == "step"])
@pytest.mark.parametrize("sample", [True, False])
def test_rolling_equals_reading_what_was_fed_back(
    rng: np.random.Generator, changes: dict[str, Any], sample: bool
) -> None:
    model = make_model(rng, **changes)
    batch = draw(model, rng)
    params, state = model.at_every_step(batch.values[:, :-1], batch.calendar, model.initial_carry(B))
    calendar = tf.constant(rng.normal(0.0, 1.0, [B, 4, batch.calendar.shape[2]]), tf.float32)
    uniforms = tf.constant(rng.uniform(0.05, 0.95, [B, 4, V]), tf.float32)
    rolled = model.roll(params[:, -1], state, calendar, uniforms, sample=sample)
    hidden, _ = model.read(rolled.z, calendar, state, dropout_seed=None)
    after = model.predict(hidden, dropout_seed=None)[:, :, 0]
    assert_same(rolled.params, tf.concat([params[:, -1:], after[:, :-1]], 1))
    taken = model.distribution.inverse(rolled.params, uniforms) if sample else model.distribution.mean(rolled.params)
    assert_same(rolled.z, taken)


def test_traced_equals_eager_for_all_shapes_in_one_trace(rng: np.random.Generator) -> None:
    model = make_model(rng, difference=2, calendar="year")
    specs = [tf.TensorSpec([None, None, V], tf.float64), tf.TensorSpec([None, None, 2])]
    traced = tf.function(model.at_end, input_signature=specs)
    for rows, steps in ((3, 7), (1, 1), (2, 5)):
        batch = draw(model, rng, steps, rows)
        assert_same(traced(batch.values[:, :-K], batch.calendar), model.at_end(batch.values[:, :-K], batch.calendar))
    assert traced.experimental_get_tracing_count() == 1


def test_the_model_has_precision_and_gradients_of_its_configuration(rng: np.random.Generator) -> None:
    model = make_model(rng)
    low = Forecasting(model.config, SCALING, precision="bfloat16")
    low.build()
    assert (model.compute_dtype, low.compute_dtype) == ("float32", "bfloat16")
    for mine, theirs in zip(low.trainable_variables, model.trainable_variables, strict=True):
        mine.assign(theirs)
    batch = draw(model, rng)
    losses = [float(m.batch_loss(batch, (), dropout_seed=None)[0].total) for m in (model, low)]
    assert losses[0] != losses[1]
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.05)
