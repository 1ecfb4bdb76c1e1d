"""Characters as tokens: the counterpart of a SentencePiece model for character-level tasks."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text
from seq2seq_tf.structures import EOS_ID, UNK_ID
from seq2seq_tf.text.lookup_graph import LookupGraphTokenizer

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
_UNKNOWN = "\ufffd"
_FORMAT = "characters 1"


def write_character_tokenizer(texts: Iterable[str], path: str, *, max_size: int) -> None:
    """Writes the `max_size` - 4 most frequent characters; ties are ordered by code point.

    Args:
      texts: iterated over once.
      path: JSON file to write.
      max_size: maximum size of the vocabulary, including the four special tokens.

    Raises:
      InputError: the texts are empty, or the file cannot be written.
    """
    counts: collections.Counter[str] = collections.Counter()
    for text in texts:
        counts.update(text)
    if not counts:
        raise InputError(f"{path}: no characters: the training text is empty")
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    kept = ranked[: max_size - len(_SPECIAL)]
    write_text(path, json.dumps({"format": _FORMAT, "characters": kept}, ensure_ascii=True))


class CharacterTokenizer:
    """Treats each character as a token; characters outside the vocabulary become UNK. See `tokenizer.Tokenizer`.

    Args:
      path: file written by `write_character_tokenizer`.

    Raises:
      InputError: the file is missing or is not a character tokenizer.
    """

    units = "characters"
    character_level = True

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']!r}")
            self.characters: tuple[str, ...] = tuple(content["characters"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a character tokenizer: {error}") from None
        self._ids = {character: n for n, character in enumerate(self.characters, start=len(_SPECIAL))}

    @property
    def vocab_size(self) -> int:
        """Number of tokens, including the special ones."""
        return len(_SPECIAL) + len(self.characters)

    def encode(self, texts: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        """Returns the ids of each text, without BOS and EOS."""
        del threads
        return [[self._ids.get(character, UNK_ID) for character in text] for text in texts]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of ids; UNK becomes U+FFFD, other special ids are omitted."""
        return ["".join(self._character(int(i)) for i in row if i > EOS_ID or i == UNK_ID) for row in ids]

    def pieces(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Returns each token as text."""
        return [_SPECIAL[i] if i < len(_SPECIAL) else self._character(int(i)) for i in ids]

    def in_graph(self) -> LookupGraphTokenizer:
        """Returns the same tokenizer for use in a graph."""
        return LookupGraphTokenizer(
            self.characters, _UNKNOWN, lambda texts: tf.strings.unicode_split(texts, "UTF-8"), separator=""
        )

    def _character(self, token: int) -> str:
        return _UNKNOWN if token == UNK_ID else self.characters[token - len(_SPECIAL)]
