"""An encoder returns a vector per piece, which padding and other rows do not change, and its final states."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from tests import oracles

V, E, H = 11, 7, 5
ROWS = [[4, 5, 6, 7, 3], [8, 3], [9, 4, 3]]

pytestmark = pytest.mark.usefixtures("seed")


def made(rng: np.random.Generator, **changes: object) -> Encoder:
    config = oracles.small_config(encoder_units=H, embedding_units=E, **changes)
    embedding = Embedding(V, E, 1.0, name="embedding")
    embedding.build()
    encoder = Encoder(config, embedding, dtype="float32")
    encoder.build()
    oracles.randomise(encoder, rng)
    return encoder


def padded(rows: list[list[int]], width: int) -> tf.Tensor:
    return tf.constant([row + [0] * (width - len(row)) for row in rows])


@pytest.mark.parametrize(
    "changes", [{}, {"bidirectional": False}, {"cell": "gru", "encoder_layers": 2}, {"cell": "rnn"}], ids=str
)
def test_a_row_is_encoded_as_if_alone_and_unpadded(changes: dict[str, object], rng: np.random.Generator) -> None:
    encoder = made(rng, **changes)
    together = encoder.encode(padded(ROWS, 8), dropout_seed=None)
    assert together.values.shape == (len(ROWS), 8, encoder.value_units)
    np.testing.assert_array_equal(together.mask.numpy().sum(1), list(map(len, ROWS)))
    for n, row in enumerate(ROWS):
        alone = encoder.encode(tf.constant([row]), dropout_seed=None)
        np.testing.assert_allclose(together.values[n, : len(row)], alone.values[0], atol=1e-5)
        for mine, theirs in zip(tf.nest.flatten(together.final), tf.nest.flatten(alone.final), strict=True):
            np.testing.assert_allclose(mine[n], theirs[0], atol=1e-5)


def test_the_size_of_the_values_is_known_before_anything_is_built() -> None:
    embedding = Embedding(V, E, 1.0, name="embedding")
    for both, size in ((True, 2 * H), (False, H)):
        config = oracles.small_config(encoder_units=H, bidirectional=both)
        assert Encoder(config, embedding, dtype="float32").value_units == size


def test_the_outputs_have_their_own_dropout(rng: np.random.Generator) -> None:
    encoder = made(rng, encoder_dropout=0.5)
    source = padded(ROWS, 8)
    seeded = encoder.encode(source, dropout_seed=tf.constant([1, 2])).values.numpy()
    plain = encoder.encode(source, dropout_seed=None).values.numpy()
    kept = seeded != 0.0
    np.testing.assert_allclose(seeded[kept], 2.0 * plain[kept], rtol=1e-5)
    assert 0.3 < kept[plain != 0.0].mean() < 0.7
