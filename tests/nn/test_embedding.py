"""Tokens become rows of the table; dropout removes values or whole words, independently on each side."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.nn.embedding import Embedding, EmbeddingDropouts
from tests import oracles

B, T, E = 31, 37, 41
SEED = tf.constant([3, 5])
ONES = tf.ones([B, T, E])


@pytest.mark.usefixtures("seed")
def test_the_rows_of_the_table_are_looked_up_and_initialised_with_the_scale() -> None:
    embedding = Embedding(997, E, 0.3, name="source_embedding")
    embedding.build()
    assert abs(np.std(embedding.table) - 0.3) < 0.01
    assert embedding.table.path == "source_embedding/table"
    tokens = tf.constant([[[3, 0]], [[996, 3]]])
    np.testing.assert_array_equal(embedding.embed(tokens), np.asarray(embedding.table)[tokens.numpy()])


def test_word_dropout_removes_whole_words_and_variational_dropout_whole_columns() -> None:
    words = EmbeddingDropouts(oracles.small_config(word_dropout=0.3), "source")(ONES, SEED).numpy()
    whole = (words == 0.0).all(-1)
    np.testing.assert_array_equal((words == 0.0).any(-1), whole)
    assert abs(whole.mean() - 0.3) < 0.05
    config = oracles.small_config(embedding_dropout=0.3, variational=True)
    values = EmbeddingDropouts(config, "source")(ONES, SEED).numpy()
    np.testing.assert_array_equal(values, np.broadcast_to(values[:, :1], values.shape))
    assert len(np.unique(values[:, 0], axis=0)) == B  # each sentence has its own mask


@pytest.mark.parametrize("rates", [{"word_dropout": 0.3}, {"embedding_dropout": 0.3}], ids=str)
def test_source_and_target_have_separate_masks(rates: dict) -> None:
    source, target = (
        EmbeddingDropouts(oracles.small_config(**rates), side)(ONES, SEED) for side in ("source", "target")
    )
    both_dropped = np.mean((source == 0.0) & (target == 0.0))
    assert abs(both_dropped - 0.3**2) < 0.03


def test_word_and_value_masks_are_independent() -> None:
    words, values = (
        EmbeddingDropouts(oracles.small_config(**{rate: 0.3}), "source")(ONES, SEED)
        for rate in ("word_dropout", "embedding_dropout")
    )
    assert abs(np.mean((words == 0.0) & (values == 0.0)) - 0.3**2) < 0.03
