"""The classification model equals plain NumPy; padding and neighbours have no effect; every variable has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.tasks.classification.config import ClassificationModelConfig
from seq2seq_tf.tasks.classification.model import Classification, LabelledBatch
from tests import gradients, oracles
from tests.gradients import SEED

V, LABELS, UNITS, EMBEDDING = 19, 5, 3, 7
LENGTHS = (5, 1, 3)
DROPOUTS: dict[str, Any] = {
    "embedding_dropout": 0.3,
    "layer_dropout": 0.3,
    "encoder_dropout": 0.3,
    "output_dropout": 0.4,
}
CONFIGS: list[dict[str, Any]] = [
    {},
    {"pooling": "final"},
    {"cell": "gru", "pooling": "final", "encoder_layers": 2},
    {"cell": "rnn", "bidirectional": False, "pooling": "final", "fused": False},
    {"cell": "gru", "encoder_layers": 2, "bidirectional": False},
]

pytestmark = pytest.mark.usefixtures("seed")


def make(
    rng: np.random.Generator, *, smoothing: float = 0.1, precision: str = "float32", **changes: Any
) -> Classification:
    """Returns a model without dropout, with weights large enough for distinct probabilities."""
    sizes: dict[str, Any] = {"embedding_units": EMBEDDING, "encoder_units": UNITS, "layer_dropout": 0.0}
    config = ClassificationModelConfig(**{**sizes, **dict.fromkeys(DROPOUTS, 0.0), **changes})
    model = Classification(config, V, LABELS, precision=precision, smoothing=smoothing)
    model.build()
    oracles.randomise(model, rng)
    return model


def draw(rng: np.random.Generator) -> LabelledBatch:
    tokens = np.zeros((len(LENGTHS), max(LENGTHS)), np.int32)
    for row, length in zip(tokens, LENGTHS, strict=True):
        row[:length] = rng.integers(3, V, length)
    return LabelledBatch(tf.constant(tokens), tf.constant([4, 0, 2]))


def numpy_log_probs(model: Classification, text: np.ndarray) -> np.ndarray:
    """Returns the log probabilities of one text without padding, for a single layer: [S] -> [labels]."""
    outputs: list[np.ndarray] = []
    finals: list[np.ndarray] = []
    for direction, cell in enumerate(model.encoder.stack.cells[0]):
        weights = oracles.numpy_weights(cell)
        states: list[np.ndarray] = []
        state = tuple(np.zeros((1, UNITS)) for _ in range(cell.states))
        order = range(len(text))[:: -1 if direction else 1]
        for t in order:
            x = np.asarray(model.embedding.table)[text[t]][np.newaxis]
            state = oracles.cell_step(model.config.cell, weights, x, np.zeros((1, 0)), state)
            states.append(state[0][0])
        finals.append(states[-1])
        outputs.append(np.stack(states[:: -1 if direction else 1]))  # [S, H]
    values = np.concatenate(outputs, 1)  # [S, D]
    summary = np.concatenate(finals if model.config.pooling == "final" else [values.mean(0), values.max(0)])
    return np.log(oracles.softmax(np.asarray(model.label_table) @ summary + np.asarray(model.label_bias)))


@pytest.mark.parametrize("changes", [c for c in CONFIGS if "encoder_layers" not in c], ids=str)
def test_log_probabilities_equal_numpy(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, **changes), draw(rng)
    found = model.log_probs(batch.tokens)
    for row, length in enumerate(LENGTHS):
        expected = numpy_log_probs(model, batch.tokens[row, :length].numpy())
        np.testing.assert_allclose(found[row], expected, atol=5e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_neither_padding_nor_neighbours_change_a_label(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, **changes), draw(rng)
    found = model.log_probs(batch.tokens)
    wider = model.log_probs(tf.pad(batch.tokens, [[0, 0], [0, 4]]))
    np.testing.assert_allclose(wider, found, atol=5e-5)
    for row, length in enumerate(LENGTHS):
        alone = model.log_probs(batch.tokens[row : row + 1, :length])
        np.testing.assert_allclose(alone[0], found[row], atol=5e-5)


@pytest.mark.parametrize("changes", CONFIGS[:2], ids=str)
def test_the_loss_is_the_sum_over_texts(changes: dict, rng: np.random.Generator) -> None:
    model, batch = make(rng, smoothing=0.2, **changes), draw(rng)
    log_probs = model.log_probs(batch.tokens).numpy()
    loss, carry = model.batch_loss(batch, (), dropout_seed=None)
    of_label = -log_probs[[0, 1, 2], batch.labels.numpy()]
    assert carry == ()
    assert loss.weight == len(LENGTHS)
    np.testing.assert_allclose(loss.nll, of_label.sum(), rtol=1e-5)
    np.testing.assert_allclose(loss.total, (0.8 * of_label - 0.2 * log_probs.mean(1)).sum(), rtol=1e-5)


@pytest.mark.parametrize("changes", CONFIGS, ids=str)
def test_every_variable_has_a_gradient_and_its_own_path(changes: dict, rng: np.random.Generator) -> None:
    model = make(rng, **{**DROPOUTS, **changes})
    gradients.assert_every_variable_gets_a_gradient(model, draw(rng))
    variables = model.trainable_variables
    paths = {variable.path for variable in variables}
    assert len(paths) == len(variables)
    assert {"classification/embedding/table", "classification/encoder/stack/forward_0/kernel"} <= paths


@pytest.mark.parametrize("changes", [{}, {"pooling": "final", "cell": "gru"}], ids=str)
def test_no_texts_give_no_loss_and_no_gradient(changes: dict, rng: np.random.Generator) -> None:
    """A batch with fewer texts than shards leaves a shard empty."""
    model = make(rng, **{**DROPOUTS, **changes})
    gradients.assert_no_loss_and_no_gradient(model, LabelledBatch(*(x[:0] for x in draw(rng))))


def test_dropout_is_active_only_in_training_and_repeats_with_its_seed(rng: np.random.Generator) -> None:
    model, batch = make(rng, **DROPOUTS), draw(rng)

    def loss(seed: tf.Tensor | None) -> float:
        return float(model.batch_loss(batch, (), dropout_seed=seed)[0].nll)

    exact = -model.log_probs(batch.tokens).numpy()[[0, 1, 2], batch.labels.numpy()].sum()
    np.testing.assert_allclose(loss(None), exact, rtol=1e-5)
    assert loss(SEED) == loss(SEED)
    assert loss(SEED) != loss(SEED + 1)
