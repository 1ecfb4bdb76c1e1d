"""Text of several lines to ids, and ids back to text as they are generated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.text.tokenizer import Tokenizer


def text_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Returns the ids of a text: its characters, or the pieces of its lines with EOS for each line break."""
    if tokenizer.character_level:
        return tokenizer.encode([text])[0]
    first, *rest = tokenizer.encode(text.split("\n"))
    return first + [i for row in rest for i in (EOS_ID, *row)]


class TextOfIds:
    """Converts a stream of ids to text, one id at a time.

    Args:
      tokenizer: tokenizer of the stream.
      before: preceding ids; pieces need the line so far, since a space is dropped only at its start.
    """

    def __init__(self, tokenizer: Tokenizer, before: Sequence[int] = ()) -> None:
        self._tokenizer = tokenizer
        self._line: list[int] = []
        self._shown = ""
        self.add: Callable[[int], str] = self._character if tokenizer.character_level else self._piece
        if not tokenizer.character_level:
            for token in before:
                self.add(token)

    def _character(self, token: int) -> str:
        return self._tokenizer.decode([[token]])[0]

    def _piece(self, token: int) -> str:
        """Returns the text that the token adds; bytes that are not yet a complete character are held back."""
        if token == EOS_ID:
            held = self._decoded()[len(self._shown) :]
            self._line, self._shown = [], ""
            return held + "\n"
        self._line.append(token)
        text = self._decoded().rstrip("\ufffd")
        gained = text[len(self._shown) :]
        self._shown = text if gained else self._shown
        return gained

    def _decoded(self) -> str:
        return self._tokenizer.decode([self._line])[0] if self._line else ""
