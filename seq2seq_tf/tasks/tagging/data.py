"""Plain text as sequences of pieces with labels of case and punctuation, in paragraphs drawn again each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seq2seq_tf.data.labelled import LabelledIds, Spans, pack_ids
from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import UNK_ID
from seq2seq_tf.tasks.tagging.casing import LABELS, Word, label_of, split_words
from seq2seq_tf.text.lines import iter_lines
from seq2seq_tf.text.tokenizer import Tokenizer

NO_LABEL = 0  # for every piece but the last of a word; label n of `LABELS` is n + 1
_MAX_WORD_PIECES = 32  # pieces; only the end of a longer word is read
_PARAGRAPHS = 0x70617261  # makes these random numbers independent of those of the batch plan
_NUMBERS = {label: n for n, label in enumerate(LABELS, start=NO_LABEL + 1)}


def iter_words(path: str) -> Iterator[list[Word]]:
    """Yields the words of each line that has any; words without a letter or digit are left out.

    Raises:
      InputError: as `iter_lines`.
    """
    for line in iter_lines(path):
        words = [word for word in split_words(line) if word.core]
        if words:
            yield words


def read_words(path: str) -> list[list[Word]]:
    """Returns the words of all lines that have any.

    Raises:
      InputError: as `iter_words`, or the file has no words.
    """
    lines = list(iter_words(path))
    if not lines:
        raise InputError(f"{path}: no words in this file")
    return lines


def spell_words(texts: Sequence[Sequence[str]], tokenizer: Tokenizer) -> list[list[list[int]]]:
    """Returns the ids of each word of each text, at least one per word; words are divided into pieces separately."""
    known = sorted({word for text in texts for word in text})
    ids = [row[-_MAX_WORD_PIECES:] or [UNK_ID] for row in tokenizer.encode(known)]
    spelt = dict(zip(known, ids, strict=True))
    return [[spelt[word] for word in text] for text in texts]


def tag_lines(lines: Sequence[Sequence[Word]], tokenizer: Tokenizer) -> LabelledIds:
    """Returns the pieces of all lines, with a label on the last piece of each word."""
    rows: list[list[int]] = []
    labels: list[int] = []
    for words, spelt in zip(
        lines, spell_words([[word.core.lower() for word in line] for line in lines], tokenizer), strict=True
    ):
        rows.append([i for ids in spelt for i in ids])
        for word, ids in zip(words, spelt, strict=True):
            labels += [NO_LABEL] * (len(ids) - 1) + [_NUMBERS[label_of(word)]]
    return pack_ids(rows, labels)


def draw_paragraphs(lines: int, *, max_lines: int, seed: int, epoch: int) -> np.ndarray:
    """Returns bounds [paragraphs + 1] int64: paragraph n consists of lines bound n to bound n + 1 (exclusive).

    A paragraph has 1 to `max_lines` lines, and every line is in exactly one. A pure function of the arguments.
    """
    sizes = np.random.default_rng([seed, epoch, _PARAGRAPHS]).integers(1, max_lines + 1, lines)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    return np.unique(np.minimum(bounds, lines))


def paragraph_spans(offsets: np.ndarray, bounds: np.ndarray, max_pieces: int) -> Spans:
    """Returns the span of each paragraph in pieces, at most `max_pieces` long.

    Args:
      offsets: of the lines in pieces, [lines + 1].
      bounds: from `draw_paragraphs`.
      max_pieces: longer paragraphs are truncated to this.
    """
    start, end = offsets[bounds[:-1]], offsets[bounds[1:]]
    return Spans(start, np.minimum(end - start, max_pieces))


def join_lines(lines: Sequence[Sequence[Word]], *, max_lines: int, seed: int) -> list[list[Word]]:
    """Returns held-out lines joined into paragraphs in the same way as the training lines in epoch 0."""
    bounds = draw_paragraphs(len(lines), max_lines=max_lines, seed=seed, epoch=0).tolist()
    return [
        [word for line in lines[start:end] for word in line] for start, end in zip(bounds, bounds[1:], strict=False)
    ]
