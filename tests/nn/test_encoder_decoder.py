"""Any encoder that follows the protocol works: loss, score and search steps agree on its values."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder_decoder import EncoderDecoder
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.output import OutputProjection
from seq2seq_tf.nn.products import cast
from seq2seq_tf.structures import BOS_ID, EOS_ID, Batch, EncoderOutput
from tests import oracles

B, S, T, D, V, E = 2, 3, 4, 7, 11, 5
TARGETS = [[5, 6, 9, EOS_ID], [8, EOS_ID, 0, 0]]

pytestmark = pytest.mark.usefixtures("seed")


class ValuesAsTheyAre(keras.layers.Layer):
    """An encoder that returns its source, vectors [B, S, D], unchanged; it has no final state."""

    value_units = D

    def encode(self, source: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> EncoderOutput:
        """Returns the source."""
        return EncoderOutput(source, tf.ones(tf.shape(source)[:2], tf.bool), ())


class Described(EncoderDecoder):
    """A model that describes vectors in words."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(name="described")
        config = oracles.small_config(embedding_units=E, output_units=E, bridge="mean")
        self.cross_entropy = CrossEntropy(smoothing=0.0, fused=False)
        self.encoder = ValuesAsTheyAre()
        self.embedding = Embedding(V, E, 1.0, name="embedding")
        self.decoder = AttentionDecoder(config, self.embedding, dtype="float32")
        self.embedding.build()
        self.decoder.build((None, None), (None, None, self.encoder.value_units))
        self.vocabulary_bias = self.add_weight(shape=(V,), initializer="zeros", name="vocabulary_bias")
        oracles.randomise(self, rng)

    def output_projection(self, dtype: str) -> OutputProjection:
        """Returns the embedding table as output table, and a bias."""
        return OutputProjection(cast(self.embedding.table, dtype), tf.convert_to_tensor(self.vocabulary_bias))


@pytest.fixture
def batch(rng: np.random.Generator) -> Batch:
    target = np.array(TARGETS, np.int32)
    shifted = np.concatenate([np.full([B, 1], BOS_ID), np.where(target[:, :-1] == EOS_ID, 0, target[:, :-1])], 1)
    return Batch(tf.constant(rng.normal(size=[B, S, D]), tf.float32), tf.constant(shifted), tf.constant(target))


def test_scores_are_the_log_probabilities_of_the_steps_and_the_loss_is_their_sum(
    batch: Batch, rng: np.random.Generator
) -> None:
    model = Described(rng)
    scores, weights = model.score(batch)
    memory, state = model.encode(batch.source)
    step, expected = model.step_fn(), np.zeros([B, T])
    for t in range(T):
        logits, state = step(batch.target_in[:, t], state, memory)
        for row in range(B):
            label = TARGETS[row][t]
            expected[row, t] = tf.nn.log_softmax(logits)[row, label] if label else 0.0
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert weights.shape == (B, T, S)
    loss, carry = model.batch_loss(batch, (), dropout_seed=None)
    assert carry == ()
    np.testing.assert_allclose(loss.nll, -expected.sum(), rtol=1e-5)
    assert float(loss.weight) == sum(map(bool, np.ravel(TARGETS)))
