"""Whole words as tokens, for a small, closed vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text
from seq2seq_tf.structures import EOS_ID, UNK_ID
from seq2seq_tf.text.lookup_graph import LookupGraphTokenizer

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")


def write_word_tokenizer(words: Sequence[str], path: str) -> None:
    """Writes words, one per line, for `WordTokenizer`."""
    write_text(path, "".join(f"{word}\n" for word in words))


class WordTokenizer:
    """Treats each word as a token. See `tokenizer.Tokenizer`.

    Args:
      path: text file with one word per line.

    Raises:
      InputError: the file is missing, empty or not UTF-8, or a line is not a single word or repeats one (the message
        gives file and line).
    """

    units = "words"
    character_level = False

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open(path, encoding="utf-8") as file:
                self.words = tuple(file.read().splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
        self._ids: dict[str, int] = {}
        for number, word in enumerate(self.words):
            if word.split() != [word] or word in self._ids:
                raise InputError(f"{path}:{number + 1}: must be a single word not on another line, got {word!r}")
            self._ids[word] = number + len(_SPECIAL)
        if not self.words:
            raise InputError(f"{path}: contains no words")

    @property
    def vocab_size(self) -> int:
        """Number of tokens, including the special ones."""
        return len(_SPECIAL) + len(self.words)

    def encode(self, texts: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        """Returns the ids of the words of each text, without BOS and EOS."""
        del threads
        return [[self._ids.get(word, UNK_ID) for word in text.split()] for text in texts]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of ids; special ids other than UNK are omitted."""
        return [" ".join(self.pieces([i for i in row if i > EOS_ID or i == UNK_ID])) for row in ids]

    def pieces(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Returns each token as text."""
        return [_SPECIAL[i] if i < len(_SPECIAL) else self.words[i - len(_SPECIAL)] for i in ids]

    def in_graph(self) -> LookupGraphTokenizer:
        """Returns the same tokenizer for use in a graph, where only ASCII white space separates words."""
        return LookupGraphTokenizer(self.words, _SPECIAL[UNK_ID], tf.strings.split, separator=" ")
