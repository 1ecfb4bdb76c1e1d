"""A Transformer encoder returns a vector per piece, which padding and other rows do not change, and no final state."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.transformer_encoder import TransformerEncoder
from tests import oracles
from tests.nn.test_encoder import ROWS, padded

V, E, H = 11, 7, 6

pytestmark = pytest.mark.usefixtures("seed")


def made(rng: np.random.Generator, **changes: object) -> TransformerEncoder:
    config = oracles.small_config(
        encoder_units=H, embedding_units=E, encoder_layers=2, transformer_heads=3, feed_forward_units=13, **changes
    )
    encoder = TransformerEncoder(config, Embedding(V, E, 1.0, name="embedding"), dtype="float32")
    assert encoder.value_units == H  # known before anything is built
    encoder.build()
    oracles.randomise(encoder, rng)
    return encoder


@pytest.mark.parametrize("positions", ["rotary", "sinusoidal"])
def test_a_row_is_encoded_as_if_alone_and_unpadded(positions: str, rng: np.random.Generator) -> None:
    encoder = made(rng, positions=positions)
    together = encoder.encode(padded(ROWS, 8), dropout_seed=None)
    assert together.values.shape == (len(ROWS), 8, H)
    assert together.final == ()
    np.testing.assert_array_equal(together.mask.numpy().sum(1), list(map(len, ROWS)))
    np.testing.assert_array_equal(together.values[~together.mask], 0.0)
    for n, row in enumerate(ROWS):
        alone = encoder.encode(tf.constant([row]), dropout_seed=None)
        np.testing.assert_allclose(together.values[n, : len(row)], alone.values[0], atol=1e-5)


def test_the_order_of_the_pieces_matters(rng: np.random.Generator) -> None:
    encoder = made(rng)
    one, other = (encoder.encode(tf.constant([row]), dropout_seed=None).values[0] for row in ([4, 5, 6], [5, 4, 6]))
    assert np.abs(one[2] - other[2]).max() > 1e-3


def test_the_outputs_have_their_own_dropout(rng: np.random.Generator) -> None:
    encoder = made(rng, encoder_dropout=0.5)
    source = padded(ROWS, 8)
    seeded = encoder.encode(source, dropout_seed=tf.constant([1, 2])).values.numpy()
    plain = encoder.encode(source, dropout_seed=None).values.numpy()
    kept = seeded != 0.0
    np.testing.assert_allclose(seeded[kept], 2.0 * plain[kept], rtol=1e-5)
    assert 0.3 < kept[plain != 0.0].mean() < 0.7
