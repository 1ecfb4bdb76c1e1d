"""The tagging model: a label per token, equal to plain NumPy, with a loss only for labelled tokens."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.tasks.tagging.config import TaggingModelConfig
from seq2seq_tf.tasks.tagging.model import TaggedBatch, Tagging
from tests import gradients, oracles

V, LABELS, UNITS, EMBEDDING = 19, 5, 3, 7
LENGTHS = (5, 2, 3)
DROPOUTS = {"embedding_dropout": 0.3, "layer_dropout": 0.3, "encoder_dropout": 0.3, "output_dropout": 0.4}
CONFIGS = [{}, {"cell": "gru", "encoder_layers": 2}, {"cell": "rnn", "bidirectional": False, "fused": False}]

pytestmark = pytest.mark.usefixtures("seed")


def make(rng: np.random.Generator, *, smoothing: float = 0.1, **changes: object) -> Tagging:
    """Returns a model without dropout, with weights large enough for distinct probabilities."""
    sizes = {"embedding_units": EMBEDDING, "encoder_units": UNITS}
    config = TaggingModelConfig(**{**sizes, **dict.fromkeys(DROPOUTS, 0.0), **changes})  # type: ignore[arg-type]
    model = Tagging(config, V, LABELS, precision="float32", smoothing=smoothing)
    model.build()
    oracles.randomise(model, rng)
    return model


def draw(rng: np.random.Generator) -> TaggedBatch:
    """Returns a random batch in which every second token has a label, but never the last."""
    tokens, labels = np.zeros((2, len(LENGTHS), max(LENGTHS)), np.int32)
    for row, length in enumerate(LENGTHS):
        tokens[row, :length] = rng.integers(3, V, length)
        labels[row, : length - 1 : 2] = rng.integers(1, LABELS + 1, len(range(0, length - 1, 2)))
    return TaggedBatch(tf.constant(tokens), tf.constant(labels))


def numpy_log_probs(model: Tagging, text: np.ndarray) -> np.ndarray:
    """Returns the log probabilities of one text without padding, for a single layer: [S] -> [S, labels]."""
    outputs = []
    for direction, cell in enumerate(model.encoder.stack.cells[0]):
        weights, states = oracles.numpy_weights(cell), []
        state = tuple(np.zeros((1, UNITS)) for _ in range(cell.states))
        for t in range(len(text))[:: -1 if direction else 1]:
            x = np.asarray(model.embedding.table)[text[t]][np.newaxis]
            state = oracles.cell_step(model.config.cell, weights, x, np.zeros((1, 0)), state)
            states.append(state[0][0])
        outputs.append(np.stack(states[:: -1 if direction else 1]))
    logits = np.concatenate(outputs, 1) @ np.asarray(model.label_table).T + np.asarray(model.label_bias)
    return np.log(oracles.softmax(logits))


@pytest.mark.parametrize("changes", [c for c in CONFIGS if "encoder_layers" not in c], ids=str)
def test_log_probabilities_equal_numpy(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, **changes), draw(rng)
    found = model.log_probs(batch.tokens)
    for row, length in enumerate(LENGTHS):
        expected = numpy_log_probs(model, batch.tokens[row, :length].numpy())
        np.testing.assert_allclose(found[row, :length], expected, atol=5e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_neither_padding_nor_neighbours_change_a_label(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, **changes), draw(rng)
    found = model.log_probs(batch.tokens)
    wider = model.log_probs(tf.pad(batch.tokens, [[0, 0], [0, 4]]))
    for row, length in enumerate(LENGTHS):
        alone = model.log_probs(batch.tokens[row : row + 1, :length])
        np.testing.assert_allclose(alone[0], found[row, :length], atol=5e-5)
        np.testing.assert_allclose(wider[row, :length], found[row, :length], atol=5e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_the_loss_is_the_sum_over_labelled_tokens(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, smoothing=0.2, **changes), draw(rng)
    log_probs, labels = model.log_probs(batch.tokens).numpy(), batch.labels.numpy()
    loss, carry = model.batch_loss(batch, (), dropout_seed=None)
    places = labels > 0
    of_label = -log_probs[places][np.arange(places.sum()), labels[places] - 1]
    assert carry == ()
    assert loss.weight == places.sum()
    np.testing.assert_allclose(loss.nll, of_label.sum(), rtol=1e-5)
    np.testing.assert_allclose(loss.total, 0.8 * of_label.sum() - 0.2 * log_probs[places].mean(1).sum(), rtol=1e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_every_variable_gets_a_gradient(changes: dict, rng: np.random.Generator) -> None:
    gradients.assert_every_variable_gets_a_gradient(make(rng, **{**DROPOUTS, **changes}), draw(rng))


@pytest.mark.parametrize("rows", [0, 3])
def test_a_batch_without_labels_gives_no_loss_and_no_gradient(rows: int, rng: np.random.Generator) -> None:
    model, drawn = make(rng, **DROPOUTS), draw(rng)
    batch = TaggedBatch(drawn.tokens[:rows], tf.zeros_like(drawn.labels[:rows]))
    gradients.assert_no_loss_and_no_gradient(model, batch)
