"""Tokenizers inside a TensorFlow graph that look tokens up in a list: characters and words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from seq2seq_tf.structures import EOS_ID, PAD_ID, UNK_ID


def pad_with_end(rows: tf.RaggedTensor, max_pieces: tf.Tensor) -> tf.Tensor:
    """Returns ragged ids as [B, S] int32: each row cut to max_pieces, ended with EOS and padded; S is at least 1."""
    ragged = rows[:, :max_pieces]
    ends = tf.fill([ragged.nrows(out_type=tf.int32), 1], EOS_ID)
    ids = tf.concat([ragged, ends], 1).to_tensor(PAD_ID)
    missing = 1 - tf.minimum(tf.shape(ids)[1], 1)  # without any text: one column, for the recurrences
    return tf.pad(ids, [[0, 0], [0, missing]])


class LookupGraphTokenizer(tf.Module):
    """Maps tokens to ids with a lookup table; see `tokenizer.GraphTokenizer`.

    Args:
      tokens: the vocabulary; token n (from 0) has id n + 4.
      unknown: text of UNK.
      split: splits texts: [B] strings -> ragged [B, (S)] strings.
      separator: text between tokens when decoding.
    """

    def __init__(
        self, tokens: Sequence[str], unknown: str, split: Callable[[tf.Tensor], tf.RaggedTensor], separator: str
    ) -> None:
        super().__init__()
        ids = tf.range(EOS_ID + 1, EOS_ID + 1 + len(tokens), dtype=tf.int32)
        pairs = tf.lookup.KeyValueTensorInitializer(tf.constant(list(tokens), tf.string), ids)
        self._table = tf.lookup.StaticHashTable(pairs, UNK_ID)
        self._texts = tf.constant(["", unknown, "", "", *tokens], tf.string)
        self._split = split
        self._separator = separator

    def encode(self, texts: tf.Tensor, max_pieces: tf.Tensor) -> tf.Tensor:
        """See `GraphTokenizer`."""
        tokens = self._split(texts)
        return pad_with_end(tokens.with_flat_values(self._table.lookup(tokens.flat_values)), max_pieces)

    def decode(self, ids: tf.Tensor) -> tf.Tensor:
        """See `GraphTokenizer`."""
        kept = tf.ragged.boolean_mask(ids, (ids > EOS_ID) | tf.equal(ids, UNK_ID))
        texts = kept.with_flat_values(tf.gather(self._texts, kept.flat_values))
        return tf.strings.reduce_join(texts, axis=1, separator=self._separator)
