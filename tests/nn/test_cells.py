"""The cells compute what the papers define, compared with NumPy and Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.cells import CELL_CLASSES, Cell
from tests import oracles

N, X, F, H = 2, 5, 3, 7  # rows, input, context, state
KINDS = sorted(CELL_CLASSES)

pytestmark = pytest.mark.usefixtures("seed")


def make(kind: str, *, context: int = F, layer_norm: bool = False, inputs: int = X, forget_bias: float = 1.0) -> Cell:
    cell = CELL_CLASSES[kind](H, forget_bias=forget_bias, layer_norm=layer_norm, dtype="float32", name="cell")
    cell.build(inputs, context)
    return cell


def run(cell: Cell, x: tf.Tensor, context: tf.Tensor, state: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
    return cell.step(cell.weights_for_steps(), cell.project(x), context, state)


def draw(rng: np.random.Generator, cell: Cell, context: int = F) -> dict[str, np.ndarray]:
    """Returns x, context and the tensors of the state, by name."""
    states = {f"state_{n}": rng.normal(size=[N, H]) for n in range(cell.states)}
    return {"x": rng.normal(size=[N, X]), "context": rng.normal(size=[N, context]), **states}


def as_tensors(arrays: dict[str, np.ndarray]) -> tuple[tf.Tensor, tf.Tensor, tuple[tf.Tensor, ...]]:
    x, context, *state = (tf.constant(a, tf.float32) for a in arrays.values())
    return x, context, tuple(state)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("context", [0, F])
@pytest.mark.parametrize("kind", KINDS)
def test_step_equals_numpy(kind: str, context: int, layer_norm: bool, rng: np.random.Generator) -> None:
    cell = make(kind, context=context, layer_norm=layer_norm)
    oracles.randomise(cell, rng)
    given = draw(rng, cell, context)
    x, contexts, *state = given.values()
    expected = oracles.cell_step(kind, oracles.numpy_weights(cell), x, contexts, tuple(state))
    got = run(cell, *as_tensors(given))
    assert len(got) == len(expected) == cell.states
    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("context", [0, F])
@pytest.mark.parametrize("kind", KINDS)
def test_gates_are_those_of_the_equations(kind: str, context: int, layer_norm: bool, rng: np.random.Generator) -> None:
    cell = make(kind, context=context, layer_norm=layer_norm)
    oracles.randomise(cell, rng)
    given, w = draw(rng, cell, context), oracles.numpy_weights(cell)
    seen, kernel = given["x"] @ w["kernel"], w["recurrent_kernel"]
    fed, held = given["context"] @ kernel[:context], given["state_0"] @ kernel[context:]
    if layer_norm:
        seen = oracles.normalise(seen, w["input_gain"])
        joint = held if kind == "gru" else fed + held
        joint = oracles.normalise(joint, w["recurrent_gain"])
        fed, held = (fed, joint) if kind == "gru" else (np.zeros(1), joint)
    blocks = np.split(oracles.sigmoid(seen + w["bias"] + fed + held + w.get("recurrent_bias", 0.0)), cell.gates, 1)
    expected = [blocks[n] for n in {"rnn": (), "gru": (0, 1), "lstm": (0, 1, 3)}[kind]]
    x, contexts, state = as_tensors(given)
    projected = cell.project(x)
    found = cell.gate_values(cell.weights_for_steps(), projected, contexts, state[0])
    assert len(found) == len(cell.gate_names) == len(expected)
    many = [tf.stack([tensor, tensor]) for tensor in (projected, contexts, state[0])]
    several = cell.gate_values(cell.weights_for_steps(), *many)
    for gate, both, values in zip(found, several, expected, strict=True):
        np.testing.assert_allclose(gate, values, atol=1e-5)
        np.testing.assert_array_equal(both, np.stack([gate, gate]))


@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_a_step_equals_numeric_gradient(kind: str, layer_norm: bool, rng: np.random.Generator) -> None:
    cell = make(kind, layer_norm=layer_norm)
    oracles.randomise(cell, rng)
    given, weights = draw(rng, cell), oracles.numpy_weights(cell)
    upstream = [rng.normal(size=[N, H]) for _ in range(cell.states)]

    def loss(**named: np.ndarray) -> float:
        w = {name: named.pop(name) for name in weights}
        x, context, *state = named.values()
        new = oracles.cell_step(kind, w, x, context, tuple(state))
        return sum(float((u * s).sum()) for u, s in zip(upstream, new, strict=True))

    expected = oracles.numeric_gradients(loss, {**given, **weights})
    x, context, state = as_tensors(given)
    sources = [x, context, *state, *cell.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch([x, context, *state])
        new = run(cell, x, context, state)
        total = tf.add_n([tf.reduce_sum(tf.cast(u, tf.float32) * s) for u, s in zip(upstream, new, strict=True)])
    names = [*given, *(v.name for v in cell.trainable_variables)]
    for name, gradient in zip(names, tape.gradient(total, sources), strict=True):
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-4, atol=5e-5, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_cell_equals_the_keras_layer_with_the_same_weights(kind: str, rng: np.random.Generator) -> None:
    cell = make(kind, context=0)
    oracles.randomise(cell, rng)
    layer_class = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[kind]
    options = {"reset_after": True} if kind == "gru" else {}
    layer = layer_class(H, return_sequences=True, return_state=True, **options)
    layer.build((N, None, X))
    bias = np.stack([cell.bias, cell.recurrent_bias]) if kind == "gru" else cell.bias
    layer.set_weights([cell.kernel, cell.recurrent_kernel, bias])
    inputs = tf.constant(rng.normal(size=[N, 11, X]), tf.float32)
    outputs, *final = layer(inputs)
    state, mine = cell.zero_state(N), []
    for t in range(inputs.shape[1]):
        state = run(cell, inputs[:, t], tf.zeros([N, 0]), state)
        mine.append(state[0])
    np.testing.assert_allclose(tf.stack(mine, 1), outputs, atol=1e-5)
    for got, expected in zip(state, final, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_context_equals_additional_input(kind: str, rng: np.random.Generator) -> None:
    fed, whole = make(kind), make(kind, context=0, inputs=X + F)
    oracles.randomise(fed, rng)
    for variable in fed.variables:
        if "kernel" not in variable.name:
            getattr(whole, variable.name).assign(variable)
    whole.kernel.assign(tf.concat([fed.kernel, fed.recurrent_kernel[:F]], 0))
    whole.recurrent_kernel.assign(fed.recurrent_kernel[F:])
    x, context, state = as_tensors(draw(rng, fed))
    expected = run(whole, tf.concat([x, context], 1), context[:, :0], state)
    for mine, theirs in zip(run(fed, x, context, state), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_projecting_all_steps_at_once_equals_one_by_one(kind: str, rng: np.random.Generator) -> None:
    cell = make(kind, layer_norm=True)
    oracles.randomise(cell, rng)
    inputs = tf.constant(rng.normal(size=[N, 11, X]), tf.float32)
    one_by_one = tf.stack([cell.project(inputs[:, t]) for t in range(11)], 1)
    np.testing.assert_allclose(cell.project(inputs), one_by_one, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_state_rows_start_orthogonal_gate_by_gate(kind: str) -> None:
    cell = make(kind)
    for square in np.split(np.asarray(cell.recurrent_kernel)[F:], cell.gates, 1):
        np.testing.assert_allclose(square.T @ square, np.eye(H), atol=1e-5)


def test_only_the_forget_gate_starts_with_a_bias() -> None:
    bias = np.split(np.asarray(make("lstm", forget_bias=2.5).bias), 4)
    np.testing.assert_array_equal(bias, np.outer([0.0, 2.5, 0.0, 0.0], np.ones(H)))
