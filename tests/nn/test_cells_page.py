"""The page on cells stays true: its excerpts are in the package, its examples run, and its claims hold."""

from __future__ import annotations

import re
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.recurrent import RecurrentStack
from tests import oracles, toy

PAGE = (toy.ROOT / "docs" / "cells.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXCERPTS = [block for block in BLOCKS if "self." in block]
EXAMPLES = [block for block in BLOCKS if "self." not in block]
LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
B, T, X, H = 3, 7, 2, 5
LENGTHS = (7, 1, 4)

pytestmark = pytest.mark.usefixtures("seed")


def test_the_page_has_an_excerpt_for_each_cell_and_three_examples() -> None:
    assert (len(EXCERPTS), len(EXAMPLES)) == (3, 3)


@pytest.mark.parametrize("excerpt", EXCERPTS, ids=["rnn", "lstm", "gru"])
def test_an_excerpt_is_word_for_word_in_the_package(excerpt: str) -> None:
    source = (toy.ROOT / "seq2seq_tf" / "nn" / "cells.py").read_text(encoding="utf-8")
    body = textwrap.dedent(excerpt)
    places = [" " * depth for depth in (4, 8)]
    assert any(textwrap.indent(body, place) in source for place in places), excerpt


def test_the_padding_example_of_the_page_runs() -> None:
    """Padded rows equal rows alone for all cells, in both directions; masking equals packing; sorting saves padding."""
    exec(compile("\n".join(EXAMPLES), "docs/cells.md", "exec"), {})


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("kind", sorted(LAYERS))
def test_a_deep_stack_in_both_directions_equals_a_stack_of_keras_layers(
    kind: str, residual: bool, rng: np.random.Generator
) -> None:
    config = oracles.small_config(cell=kind, residual=residual)
    stack = RecurrentStack(config, units=H, layers=3, bidirectional=True, dtype="float32", name="stack")
    stack.build((None, None, X))
    oracles.randomise(stack, rng)
    inputs = tf.constant(rng.normal(size=[B, T, X]), tf.float32)
    mine = stack.unroll(inputs, tf.sequence_mask(LENGTHS, T), stack.zero_state(B), dropout_seed=None).outputs
    layers = [keras_layer(stack, kind, n) for n in range(3)]
    for row, length in enumerate(LENGTHS):
        x = inputs[row : row + 1, :length]
        for n, layer in enumerate(layers):
            x = x + layer(x) if n and residual else layer(x)
        np.testing.assert_allclose(mine[row, :length], x[0], atol=2e-5)


def keras_layer(stack: RecurrentStack, kind: str, n: int) -> keras.layers.Layer:
    """Returns Keras' own layer with the weights of layer n of the stack."""
    options = {"reset_after": True} if kind == "gru" else {}
    layer = keras.layers.Bidirectional(LAYERS[kind](H, return_sequences=True, **options))
    layer.build((1, None, X if n == 0 else 2 * H))
    weights = []
    for cell in stack.cells[n]:
        bias = np.stack([cell.bias, cell.recurrent_bias]) if kind == "gru" else cell.bias
        weights += [cell.kernel, cell.recurrent_kernel, bias]
    layer.set_weights(weights)
    return layer
