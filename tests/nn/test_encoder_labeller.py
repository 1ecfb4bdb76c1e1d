"""What classification and tagging share: the labels of their models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.encoder_labeller import EncoderLabeller
from seq2seq_tf.tasks.classification.config import ClassificationModelConfig
from seq2seq_tf.tasks.classification.model import Classification
from seq2seq_tf.tasks.tagging.config import TaggingModelConfig
from seq2seq_tf.tasks.tagging.model import Tagging
from tests import oracles

V, LABELS, UNITS, EMBEDDING = 19, 5, 3, 7
KINDS: list[tuple[Any, Any]] = [(Classification, ClassificationModelConfig), (Tagging, TaggingModelConfig)]

pytestmark = [pytest.mark.usefixtures("seed"), pytest.mark.parametrize(("kind", "options"), KINDS)]


def make(kind: Any, options: Any, rng: np.random.Generator, **changes: Any) -> EncoderLabeller:
    """Returns a model without dropout, with weights large enough for clear predictions."""
    sizes = {"embedding_units": EMBEDDING, "encoder_units": UNITS}
    model = kind(options(**sizes), V, LABELS, precision="float32", **changes)
    model.build()
    oracles.randomise(model, rng)
    return model


def test_a_traced_function_gives_the_same(kind: Any, options: Any, rng: np.random.Generator) -> None:
    model = make(kind, options, rng)
    tokens = tf.constant([[4, 5, 6, 7, 3], [8, 3, 0, 0, 0], [9, 10, 3, 0, 0]])
    traced = tf.function(model.log_probs, input_signature=[tf.TensorSpec([None, None], tf.int32)])
    np.testing.assert_allclose(traced(tokens), model.log_probs(tokens), atol=1e-5)


def test_labels_of_vectors_and_their_loss_equal_numpy(kind: Any, options: Any, rng: np.random.Generator) -> None:
    model = make(kind, options, rng, smoothing=0.2)
    hidden = rng.normal(size=[4, model.hidden_units]).astype(np.float32)
    labels = np.array([4, 0, 2, 2], np.int32)
    logits = hidden @ np.asarray(model.label_table).T + np.asarray(model.label_bias)
    expected = np.log(oracles.softmax(logits))
    np.testing.assert_allclose(model.label_log_probs(tf.constant(hidden)), expected, atol=1e-5)
    loss = model.label_loss(tf.constant(hidden), tf.constant(labels), dropout_seed=None)
    of_label = -expected[np.arange(4), labels]
    assert loss.weight == 4
    np.testing.assert_allclose(loss.nll, of_label.sum(), rtol=1e-5)
    np.testing.assert_allclose(loss.total, (0.8 * of_label - 0.2 * expected.mean(1)).sum(), rtol=1e-5)
