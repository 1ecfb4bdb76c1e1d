"""The interface of all tokenizers: text to ids and back, in bulk and inside a TensorFlow graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.characters import CharacterTokenizer
from seq2seq_tf.text.scripts import is_visible
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer


class GraphTokenizer(Protocol):
    """A tokenizer inside a graph: a `tf.Module`, so that a SavedModel contains it."""

    def encode(self, texts: tf.Tensor, max_pieces: tf.Tensor) -> tf.Tensor:
        """Returns ids [B, S] int32, each row cut to max_pieces, ended with EOS and padded. texts: [B] string."""
        ...

    def decode(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns texts [N] string. ids: [N, T] int32; special ids other than UNK are omitted."""
        ...


class Tokenizer(Protocol):
    """Converts text to ids and back. Ids 0 to 3 are the special ids of `structures`."""

    path: str  # its file
    units: str  # name of its tokens in messages: "characters", "pieces", "words"
    character_level: bool  # one token per character, including line ends and spaces

    @property
    def vocab_size(self) -> int:
        """Number of tokens, including the special ones."""
        ...

    def encode(self, texts: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        """Returns the ids of each text, without BOS and EOS."""
        ...

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of ids; special ids other than UNK are omitted."""
        ...

    def pieces(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Returns each token as text."""
        ...

    def in_graph(self) -> GraphTokenizer:
        """Returns the same tokenizer for use in a graph."""
        ...


def load_tokenizer(path: str) -> Tokenizer:
    """Loads a SentencePiece model or a character tokenizer, whichever the file contains.

    Raises:
      InputError: the file is neither, or cannot be read.
    """
    try:
        with open(path, "rb") as file:
            first = file.read(1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return CharacterTokenizer(path) if first == b"{" else SentencePieceTokenizer(path)


def non_empty(texts: Sequence[str], encoded: Sequence[Sequence[int]], tokenizer: Tokenizer) -> list[bool]:
    """Returns for each text whether it is non-empty, the definition that all tasks share.

    Args:
      texts: the texts.
      encoded: their ids. A text without pieces is empty, since normalisation leaves nothing of it.
      tokenizer: the tokenizer. If it is character-level, every character has an id, so a text is empty unless at least
        one character is visible.
    """
    if tokenizer.character_level:
        return [is_visible(text) for text in texts]
    return [len(ids) > 0 for ids in encoded]
