"""Lookup inside a graph: unknown tokens become UNK, other special ids have no text, rows end with EOS."""

from __future__ import annotations

import tensorflow as tf

from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq_tf.text.lookup_graph import LookupGraphTokenizer, pad_with_end


def words() -> LookupGraphTokenizer:
    return LookupGraphTokenizer(["ka", "be", "lo"], "?", tf.strings.split, " ")


def test_ids_are_the_indices_of_the_tokens_and_each_row_ends_with_eos() -> None:
    found = words().encode(tf.constant(["ka lo", "", "be du ka"]), tf.constant(9))
    assert found.numpy().tolist() == [[4, 6, EOS_ID, PAD_ID], [EOS_ID, *[PAD_ID] * 3], [5, UNK_ID, 4, EOS_ID]]
    assert found.dtype == tf.int32


def test_a_truncated_row_still_ends_with_eos() -> None:
    assert words().encode(tf.constant(["ka be lo"]), tf.constant(2)).numpy().tolist() == [[4, 5, EOS_ID]]


def test_special_ids_other_than_unk_have_no_text() -> None:
    ids = tf.constant([[BOS_ID, 4, UNK_ID, 6, EOS_ID, PAD_ID], [PAD_ID] * 6])
    assert words().decode(ids).numpy().tolist() == [b"ka ? lo", b""]


def test_a_batch_without_rows_still_has_a_column() -> None:
    empty = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64))
    assert pad_with_end(empty, tf.constant(5)).shape == (0, 1)
