"""Logits, losses and scores come from one projection; padding does not count, a shortlist only drops columns."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.output import OutputProjection, log_probabilities, make_step_fn, summed_loss
from seq2seq_tf.structures import BOS_ID
from seq2seq_tf.tasks.translation.model import Translation
from tests import oracles

B, T, V, D = 2, 5, 13, 7
LABELS = [[4, 9, 3, 0, 0], [12, 5, 6, 7, 3]]

pytestmark = pytest.mark.usefixtures("seed")


@pytest.fixture
def projection(rng: np.random.Generator) -> OutputProjection:
    return OutputProjection(*(tf.constant(rng.normal(size=s), tf.float32) for s in ([V, D], [V])))


def numpy_log_probs(hidden: tf.Tensor, projection: OutputProjection) -> np.ndarray:
    logits = np.asarray(hidden, np.float64) @ np.asarray(projection.table, np.float64).T + np.asarray(projection.bias)
    return np.log(oracles.softmax(logits))


@pytest.mark.parametrize("fused", [False, True])
def test_scores_are_log_probabilities_without_smoothing_and_zero_on_padding(
    fused: bool, projection: OutputProjection, rng: np.random.Generator
) -> None:
    hidden = tf.constant(rng.normal(size=[B, T, D]), tf.float32)
    found = log_probabilities(CrossEntropy(smoothing=0.3, fused=fused), hidden, tf.constant(LABELS), projection)
    every = numpy_log_probs(hidden, projection)
    expected = [[every[b, t, label] if label else 0.0 for t, label in enumerate(row)] for b, row in enumerate(LABELS)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_only_real_labels_count_in_the_loss(projection: OutputProjection, rng: np.random.Generator) -> None:
    hidden = tf.constant(rng.normal(size=[B, T, D]), tf.float32)
    plain = CrossEntropy(smoothing=0.0, fused=False)
    loss = summed_loss(plain, hidden, tf.constant(LABELS), projection)
    garbage = tf.where(tf.constant(LABELS)[:, :, tf.newaxis] == 0, 1e6, hidden)
    np.testing.assert_array_equal(loss, summed_loss(plain, garbage, tf.constant(LABELS), projection))
    assert float(loss.weight) == 8
    np.testing.assert_allclose(
        loss.nll, -log_probabilities(plain, hidden, tf.constant(LABELS), projection).numpy().sum()
    )


def test_a_shortlist_drops_columns_and_changes_no_other_logit(rng: np.random.Generator) -> None:
    model = Translation(oracles.small_config(), V, V, precision="float32")
    model.build()
    oracles.randomise(model, rng)
    memory, state = model.encode(tf.constant([[5, 6, 3], [7, 3, 0]]))
    candidates = tf.constant([0, 1, 2, 3, 6, 11])
    weights = model.search_weights()
    whole, short = (make_step_fn(model.decoder, weights, chosen) for chosen in (None, candidates))
    pieces = tf.constant([BOS_ID, 11])
    everything, _ = whole(pieces, state, memory)
    columns, _ = short(tf.constant([BOS_ID, 5]), state, memory)  # column 5 is piece 11
    np.testing.assert_allclose(columns, tf.gather(everything, candidates, axis=1), atol=1e-6)
