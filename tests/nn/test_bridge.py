"""The bridge: the decoder starts from where the encoder ended, whatever the padding, the batch or the code path."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn import recurrent
from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from seq2seq_tf.structures import DecoderState, EncoderOutput
from tests import oracles
from tests.nn.kernels.test_cudnn import documented_kernel

B, S, V, E, H = 3, 5, 19, 2, 7
LENGTHS = (4, 1, 3)  # shorter than S, so that even the longest row has padding
CONFIGS = [
    {"cell": "lstm", "fused": True},
    {"cell": "lstm", "fused": False},
    {"cell": "gru"},
    {"cell": "rnn", "bidirectional": False},
    {"cell": "lstm", "encoder_layers": 2, "decoder_layers": 2},  # layer by layer
    {"cell": "lstm", "encoder_layers": 2, "decoder_layers": 3},  # all from the top layer
    {"cell": "gru", "encoder_layers": 2, "attention": "none"},
]

pytestmark = pytest.mark.usefixtures("seed")


class Pair(NamedTuple):
    """An encoder and a decoder that starts from it."""

    encoder: Encoder
    decoder: AttentionDecoder


def make(rng: np.random.Generator, **changes: object) -> Pair:
    config = oracles.small_config(**{"bridge": "final", "embedding_units": E, "decoder_units": H, **changes})
    table = Embedding(V, E, 1.0, name="table")
    table.build()
    encoder = Encoder(config, table, dtype="float32", name="encoder")
    encoder.build()
    decoder = AttentionDecoder(config, table, dtype="float32", name="decoder")
    decoder.build((None, None), (None, None, encoder.value_units))
    for layer in encoder, decoder:
        oracles.randomise(layer, rng)
    return Pair(encoder, decoder)


def draw(rng: np.random.Generator) -> tf.Tensor:
    """Returns source [B, S] with padding."""
    source = rng.integers(4, V, size=[B, S])
    return tf.constant(source * (np.arange(S) < np.array(LENGTHS)[:, np.newaxis]), tf.int32)


def start(pair: Pair, source: tf.Tensor, seed: tf.Tensor | None = None) -> DecoderState:
    return pair.decoder.initial_state(pair.encoder.encode(source, dropout_seed=seed))


def numpy_weights(pair: Pair) -> dict[str, np.ndarray]:
    """Returns path -> array for both layers; a path is like "encoder/stack/forward_0/kernel"."""
    return {v.path: np.asarray(v, np.float64) for layer in pair for v in layer.variables}


def numpy_finals(w: dict[str, np.ndarray], pair: Pair, row: np.ndarray) -> list[list[np.ndarray]]:
    """Returns per encoder layer the last state after the pieces of one sentence, directions concatenated."""
    config, x, finals = pair.encoder.stack.config, w["table/table"][row], []
    for n, layer in enumerate(pair.encoder.stack.cells):
        outputs, ends = [], []
        for direction, cell in enumerate(layer):
            prefix = f"encoder/stack/{cell.name}/"
            own = {name.removeprefix(prefix): array for name, array in w.items() if name.startswith(prefix)}
            state, hs = tuple(np.zeros([1, cell.units]) for _ in range(cell.states)), []
            for t in range(len(row))[:: -1 if direction else 1]:
                state = oracles.cell_step(config.cell, own, x[t : t + 1], np.zeros([1, 0]), state)
                hs.append(state[0][0])
            outputs.append(hs[::-1] if direction else hs)
            ends.append(state)
        finals.append([np.concatenate(same, 1)[0] for same in zip(*ends, strict=True)])
        y = np.concatenate(outputs, 1)
        x = x + y if n and config.residual else y
    return finals


def numpy_start(w: dict[str, np.ndarray], pair: Pair, row: np.ndarray) -> np.ndarray:
    """Returns all tensors of the decoder's first state for one sentence, then the context, concatenated."""
    finals, depth = numpy_finals(w, pair, row), len(pair.decoder.cells)
    kernel, bias = w["decoder/bridge_kernel"], w["decoder/bridge_bias"]
    made, block = [], 0
    for n in range(depth):
        for tensor in finals[n] if len(finals) == depth else finals[-1]:
            columns = slice(block * H, (block + 1) * H)
            made.append(np.tanh(tensor @ kernel[:, columns] + bias[columns]))
            block += 1
    assert block * H == kernel.shape[1]
    context = np.zeros(kernel.shape[0]) if pair.decoder.attention.has_weights else finals[-1][0]
    return np.concatenate([*made, context])


def flat(state: DecoderState) -> tf.Tensor:
    return tf.concat(tf.nest.flatten(state), 1)  # [B, states + D]


def assert_gradients_equal_numeric_ones(pair: Pair, rng: np.random.Generator, begin: Callable[..., tf.Tensor]) -> None:
    source = draw(rng)
    weights, size = numpy_weights(pair), numpy_start(numpy_weights(pair), pair, source.numpy()[0, : LENGTHS[0]]).size
    upstream = rng.normal(size=[B, size])

    def loss(w: dict[str, np.ndarray]) -> float:
        rows = zip(upstream, source.numpy(), LENGTHS, strict=True)
        return sum(float(u @ numpy_start(w, pair, row[:n])) for u, row, n in rows)

    used = [v for layer in pair for v in layer.trainable_variables if "encoder/" in v.path or "bridge" in v.path]
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(flat(begin(pair, source)) * tf.constant(upstream, tf.float32))
    np.testing.assert_allclose(total, loss(weights), rtol=1e-4, atol=1e-4)
    assert len(used) >= 2 + 3 * len(pair.encoder.stack.cells)
    for variable, gradient in zip(used, tape.gradient(total, used), strict=True):
        array = weights[variable.path]
        for index in rng.choice(array.size, size=min(5, array.size), replace=False):
            place = np.unravel_index(index, array.shape)

            def loss_at(x: np.ndarray, path: str = variable.path, place: tuple = place) -> float:
                changed = weights[path].copy()
                changed[place] = x[0]
                return loss({**weights, path: changed})

            expected = oracles.numeric_gradient(loss_at, array[place][np.newaxis])[0]
            got = tf.convert_to_tensor(gradient).numpy()[place]
            np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4, err_msg=variable.path)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_the_first_state_equals_numpy(changes: dict, rng: np.random.Generator) -> None:
    pair, source = make(rng, **changes), draw(rng)
    found, weights = flat(start(pair, source)), numpy_weights(pair)
    for row, length in enumerate(LENGTHS):
        expected = numpy_start(weights, pair, source.numpy()[row, :length])
        np.testing.assert_allclose(found[row], expected, atol=2e-5)


@pytest.mark.parametrize("changes", [CONFIGS[0], CONFIGS[1], CONFIGS[5], CONFIGS[6]], ids=str)
def test_gradients_through_the_final_state_equal_numeric_ones(changes: dict, rng: np.random.Generator) -> None:
    assert_gradients_equal_numeric_ones(make(rng, **changes), rng, start)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gradients_through_the_final_state_of_cudnn_equal_numeric_ones(
    cell: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurrent, "use_cudnn", lambda cell: True)
    calls = []

    def noted(**given: Any) -> Any:
        calls.append(given)
        return documented_kernel(**given)

    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV3", noted)
    pair = make(rng, cell=cell, encoder_layers=2)
    assert_gradients_equal_numeric_ones(pair, rng, partial(start, seed=tf.constant([3, 5])))
    assert len(calls) == 4


@pytest.mark.parametrize("bridge", ["final", "mean", "zero"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_neither_padding_nor_the_batch_changes_the_first_state(
    bridge: str, cell: str, rng: np.random.Generator
) -> None:
    pair, source = make(rng, cell=cell, bridge=bridge), draw(rng)
    together = flat(start(pair, source))
    wider = flat(start(pair, tf.pad(source, [[0, 0], [0, 3]])))
    np.testing.assert_allclose(wider, together, atol=1e-5)
    for row, length in enumerate(LENGTHS):
        alone = flat(start(pair, source[row : row + 1, :length]))
        np.testing.assert_allclose(together[row], alone[0], atol=1e-5)


def test_the_mean_initialises_every_tensor(rng: np.random.Generator) -> None:
    pair, source = make(rng, cell="lstm", bridge="mean"), draw(rng)
    values = pair.encoder.encode(source, dropout_seed=None).values
    weights = numpy_weights(pair)
    for row, length in enumerate(LENGTHS):
        mean = values[row, :length].numpy().mean(0)
        expected = np.tanh(mean @ weights["decoder/bridge_kernel"] + weights["decoder/bridge_bias"])
        np.testing.assert_allclose(flat(start(pair, source))[row, : 2 * H], expected, atol=1e-5)


def test_zero_has_no_variables_and_the_other_bridges_have_the_same(rng: np.random.Generator) -> None:
    shapes = {}
    for bridge in "final", "mean", "zero":
        pair = make(rng, bridge=bridge)
        shapes[bridge] = {v.path: tuple(v.shape) for v in pair.decoder.variables}
    assert shapes["final"] == shapes["mean"]
    assert {path for path in shapes["mean"] if "bridge" in path} == set(shapes["mean"]) - set(shapes["zero"])
    assert np.all(flat(start(make(rng, bridge="zero"), draw(rng))) == 0.0)


def test_an_encoder_without_a_final_state_is_rejected(rng: np.random.Generator) -> None:
    pair = make(rng)
    encoded = EncoderOutput(tf.zeros([B, S, pair.decoder.value_units]), tf.ones([B, S], tf.bool), ())
    with pytest.raises(ValueError, match="bridge=final needs an encoder with a final state"):
        pair.decoder.initial_state(encoded)
