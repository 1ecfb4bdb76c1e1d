"""Characters as symbols: what a SentencePiece model is for pieces, for tasks that spell."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterable, Sequence

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text
from seq2seq_tf.structures import EOS_ID, UNK_ID
from seq2seq_tf.text.scripts import is_visible
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
_UNKNOWN = "\ufffd"
_FORMAT = "characters 1"


def write_character_tokenizer(texts: Iterable[str], path: str, *, most: int) -> None:
    """Writes the `most` - 4 most frequent characters of the texts; of equally frequent ones the smaller comes first.

    Args:
      texts: read once.
      path: JSON file.
      most: size of the vocabulary, the four special symbols included.

    Raises:
      InputError: no text, or the file cannot be written.
    """
    counts: collections.Counter[str] = collections.Counter()
    for text in texts:
        counts.update(text)
    if not counts:
        raise InputError(f"{path}: no characters: the training text is empty")
    ranked = sorted(counts, key=lambda character: (-counts[character], character))
    kept = ranked[: most - len(_SPECIAL)]
    write_text(path, json.dumps({"format": _FORMAT, "characters": kept}, ensure_ascii=True))


class CharacterTokenizer:
    """Each character is a symbol; rare and new ones are UNK. The same methods as `SentencePieceTokenizer`.

    Args:
      path: from `write_character_tokenizer`.

    Raises:
      InputError: not such a file.
    """

    units = "characters"  # what its tokens are, for people

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']!r}")
            self.characters: tuple[str, ...] = tuple(content["characters"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a character model: {error}") from None
        self._ids = {character: n for n, character in enumerate(self.characters, start=len(_SPECIAL))}

    @property
    def vocab_size(self) -> int:
        """Number of symbols, special ones included."""
        return len(_SPECIAL) + len(self.characters)

    def encode(self, texts: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        """Returns the ids of each text, without BOS and EOS."""
        del threads
        return [[self._ids.get(character, UNK_ID) for character in text] for text in texts]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of ids; UNK is shown as U+FFFD, the other special ids are left out."""
        return ["".join(self._character(int(i)) for i in row if i > EOS_ID or i == UNK_ID) for row in ids]

    def pieces(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Returns the symbols as text."""
        return [_SPECIAL[i] if i < len(_SPECIAL) else self._character(int(i)) for i in ids]

    def _character(self, symbol: int) -> str:
        return _UNKNOWN if symbol == UNK_ID else self.characters[symbol - len(_SPECIAL)]


Tokenizer = SentencePieceTokenizer | CharacterTokenizer


def hold_text(texts: Sequence[str], encoded: Sequence[Sequence[int]], symbols: Tokenizer) -> list[bool]:
    """Returns which texts have anything to read: the one notion of an empty text, decided after encoding.

    Args:
      texts: of any task.
      encoded: their ids. A text without a piece is empty, since normalising leaves nothing of it.
      symbols: characters have an id each, whatever they are: of them one must be visible.
    """
    if isinstance(symbols, CharacterTokenizer):
        return [is_visible(text) for text in texts]
    return [len(ids) > 0 for ids in encoded]


def load_tokenizer(path: str) -> Tokenizer:
    """Loads a piece model or a character model, whichever the file holds.

    Raises:
      InputError: neither, or no such file.
    """
    try:
        with open(path, "rb") as file:
            first = file.read(1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return CharacterTokenizer(path) if first == b"{" else SentencePieceTokenizer(path)
