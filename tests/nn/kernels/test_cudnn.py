"""Everything around the cuDNN kernel, with a stand-in that computes what cuDNN documents: its layers equal ours.

The kernel itself runs only on a GPU; benchmarks/gpu_check.py compares it there.
"""

from __future__ import annotations

import importlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn import recurrent
from seq2seq_tf.nn.cells import Cell
from seq2seq_tf.nn.kernels import cudnn
from seq2seq_tf.nn.kernels.cudnn import cudnn_unroll, use_cudnn
from seq2seq_tf.nn.recurrent import RecurrentStack, make_cell, unroll
from tests import oracles

B, T, X, H = 3, 7, 2, 5
LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}

pytestmark = pytest.mark.usefixtures("seed")


def documented_kernel(*, input, input_h, input_c, params, sequence_lengths, rnn_mode, **rest: Any):  # type: ignore[no-untyped-def]
    """Computes what NVIDIA's documentation says of cudnnRNNForward: one layer, one direction, batch-major.

    Parameters: per gate the input matrix [H, I], per gate the recurrent matrix [H, H], then two biases per gate.
    Gates of an LSTM: i, f, new, o; of a GRU: r, z (called i there), new.
    """
    assert rest == {"time_major": False, "is_training": True}
    assert int(tf.reduce_min(sequence_lengths)) > 0, "cuDNN rejects rows without steps"
    gates, width, units = {"lstm": 4, "gru": 3}[rnn_mode], input.shape[2], input_h.shape[2]
    sizes = [units * width] * gates + [units * units] * gates + [units] * (2 * gates)
    parts = tf.split(params, sizes)
    w = [tf.reshape(p, [units, width]) for p in parts[:gates]]
    r = [tf.reshape(p, [units, units]) for p in parts[gates : 2 * gates]]
    b_w, b_r = parts[2 * gates : 3 * gates], parts[3 * gates :]
    h, c = input_h[:, 0], input_c[:, 0] if rnn_mode == "lstm" else input_h[:, 0]
    outputs = []
    for t in range(input.shape[1]):
        from_x = [tf.matmul(input[:, t], w[n], transpose_b=True) + b_w[n] for n in range(gates)]
        from_h = [tf.matmul(h, r[n], transpose_b=True) + b_r[n] for n in range(gates)]
        if rnn_mode == "lstm":
            i, f, o = (tf.sigmoid(from_x[n] + from_h[n]) for n in (0, 1, 3))
            new_c = f * c + i * tf.tanh(from_x[2] + from_h[2])
            new_h = o * tf.tanh(new_c)
        else:
            reset, update = (tf.sigmoid(from_x[n] + from_h[n]) for n in (0, 1))
            new_h = (1.0 - update) * tf.tanh(from_x[2] + reset * from_h[2]) + update * h
            new_c = c
        real = (t < sequence_lengths)[:, tf.newaxis]
        h, c = tf.where(real, new_h, h), tf.where(real, new_c, c)
        outputs.append(tf.where(real, h, 0.0))
    final_c = c[:, tf.newaxis] if rnn_mode == "lstm" else tf.zeros([0])
    return tf.stack(outputs, 1), h[:, tf.newaxis], final_c, tf.zeros([0]), tf.zeros([0], tf.int8)


def made(kind: str, rng: np.random.Generator) -> Cell:
    cell = make_cell(oracles.small_config(cell=kind), H, dtype="float32", name="cell")
    cell.build(X, 0)
    oracles.randomise(cell, rng)
    return cell


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", [(7, 7, 7), (5, 1, 3), (0, 2, 6)], ids=str)
@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_outputs_states_and_gradients_equal_those_of_unroll(
    kind: str, lengths: tuple[int, ...], reverse: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", documented_kernel)
    cell, mask = made(kind, rng), tf.sequence_mask(lengths, T)
    inputs = tf.constant(rng.normal(size=[B, T, X]), tf.float32)  # with garbage on padding
    initial = tuple(tf.constant(rng.normal(size=[B, H]), tf.float32) for _ in range(cell.states))
    upstream = [tf.constant(rng.normal(size=s), tf.float32) for s in ([B, T, H], *[[B, H]] * cell.states)]

    def values_and_gradients(run: Any, **options: bool) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([inputs, *initial])
            outputs, final = run(cell, inputs, mask, initial, reverse=reverse, **options)
            assert len(final) == cell.states
            loss = tf.add_n([tf.reduce_sum(u * v) for u, v in zip(upstream, (outputs, *final), strict=True)])
        return [outputs, *final, *tape.gradient(loss, [inputs, *initial, *cell.trainable_variables])]

    found, expected = values_and_gradients(cudnn_unroll), values_and_gradients(unroll, fused=False)
    np.testing.assert_array_equal(found[0][~mask], 0.0)
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_the_kernel_gets_the_arguments_that_keras_passes(
    kind: str, reverse: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []

    def record(**arguments: Any) -> Any:
        calls.append(arguments)
        return documented_kernel(**arguments)

    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", record)
    keras_rnn = importlib.import_module("keras.src.backend.tensorflow.rnn")  # a function of that name hides the module
    monkeypatch.setattr(keras_rnn, "_is_gpu_available", lambda: True)
    cell, lengths = made(kind, rng), (5, 1, 7)
    inputs, mask = tf.constant(rng.normal(size=[B, T, X]), tf.float32), tf.sequence_mask(lengths, T)
    options = {"reset_after": True} if kind == "gru" else {}
    layer = LAYERS[kind](H, return_sequences=True, return_state=True, go_backwards=reverse, **options)
    layer.build((B, None, X))
    bias = np.stack([cell.bias, cell.recurrent_bias]) if kind == "gru" else np.asarray(cell.bias)
    layer.set_weights([cell.kernel, cell.recurrent_kernel, bias])
    theirs, *their_final = layer(inputs, mask=mask)
    ours, our_final = cudnn_unroll(cell, inputs, mask, cell.zero_state(B), reverse=reverse)
    expected, found = calls
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    np.testing.assert_array_equal(ours, tf.reverse(theirs, [1]) if reverse else theirs)
    for mine, other in zip(our_final, their_final, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    ("kind", "layer_norm", "context_units", "possible"),
    [
        ("lstm", False, 0, True),
        ("gru", False, 0, True),
        ("rnn", False, 0, False),
        ("lstm", True, 0, False),
        ("gru", True, 0, False),
        ("lstm", False, 2, False),
    ],
)
def test_cudnn_is_used_for_what_it_supports_and_only_where_a_gpu_is_visible(
    kind: str, layer_norm: bool, context_units: int, possible: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = make_cell(oracles.small_config(cell=kind, layer_norm=layer_norm), H, dtype="float32", name="cell")
    cell.build(X, context_units)
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"is_cuda_build": True})
    for devices in [], ["GPU:0"]:
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind, devices=devices: devices)
        assert use_cudnn(cell) == (possible and bool(devices))
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"is_cuda_build": False})  # ROCm has another gate order
    assert not use_cudnn(cell)


@pytest.mark.parametrize("option", [True, False])
def test_a_stack_uses_cudnn_only_in_training_and_if_enabled(
    option: bool, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurrent, "use_cudnn", lambda cell: True)
    calls = []

    def noted(*args: Any, **given: Any) -> Any:
        calls.append(given)
        return cudnn.cudnn_unroll(*args, **given)

    monkeypatch.setattr(recurrent, "cudnn_unroll", noted)
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", documented_kernel)
    config = oracles.small_config(cudnn=option)
    stack = RecurrentStack(config, units=H, layers=2, bidirectional=True, dtype="mixed_bfloat16", name="stack")
    stack.build((None, None, X))
    inputs, mask = tf.constant(rng.normal(size=[B, T, X]), tf.float32), tf.sequence_mask((5, 1, 3), T)
    plain = stack.unroll(inputs, mask, stack.zero_state(B), dropout_seed=None)
    assert not calls
    trained = stack.unroll(inputs, mask, stack.zero_state(B), dropout_seed=tf.constant([3, 5]))
    assert [call["reverse"] for call in calls] == ([False, True] * 2 if option else [])
    for found, expected in zip(tf.nest.flatten(trained), tf.nest.flatten(plain), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-2)  # plain has products in bfloat16
