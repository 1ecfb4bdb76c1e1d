"""Learns from the training pairs which target pieces may translate a source piece, for shortlists.

IBM model 1 (Brown et al. 1993) by expectation maximisation over all pairs of pieces that co-occur in a sentence pair.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write
from seq2seq_tf.structures import EOS_ID, PAD_ID
from seq2seq_tf.tasks.translation.corpus import Corpus

MAX_TRANSLATIONS = 100  # translations kept per source piece
_FREQUENT = 150  # target pieces that are always candidates
_MAX_LINKS = 40_000_000  # pairs of pieces used: bounds time and memory
_ITERATIONS = 5


class Lexicon(NamedTuple):
    """Likeliest translations of each source piece."""

    best: np.ndarray  # [source pieces, MAX_TRANSLATIONS] int32, likeliest first, then PAD
    frequent: np.ndarray  # [_FREQUENT] int32, the most frequent target pieces
    target_vocab: int
    joint: bool  # both sides share one vocabulary, so a piece may translate itself

    def candidates(self, source: np.ndarray, max_translations: int) -> np.ndarray:
        """Returns the target pieces [v] int32, in ascending order, that a search for these sources may choose.

        Args:
          source: ids of any shape.
          max_translations: translations taken per source piece, at most MAX_TRANSLATIONS.
        """
        wanted = np.zeros(self.target_vocab, bool)
        wanted[: EOS_ID + 1] = True
        wanted[self.frequent] = True
        pieces = np.unique(source)
        wanted[self.best[pieces, :max_translations]] = True
        if self.joint:  # names and numbers are copied
            wanted[pieces] = True
        return np.flatnonzero(wanted).astype(np.int32)

    def save(self, path: str) -> None:
        """Writes the file atomically."""
        with atomic_write(path) as file:
            np.savez(file, best=self.best, frequent=self.frequent, size=[self.target_vocab, int(self.joint)])


def load_lexicon(path: str) -> Lexicon:
    """Reads what `Lexicon.save` wrote; InputError if it is damaged."""
    try:
        with open(path, "rb") as stream, np.load(stream) as file:  # NumPy leaves a damaged file open
            size = file["size"]
            return Lexicon(file["best"], file["frequent"], int(size[0]), bool(size[1]))
    except Exception as error:  # a damaged zip raises many kinds
        raise InputError(f"{path}: damaged ({error}); delete it, and it will be learnt again from data/") from None


def learn_lexicon(corpus: Corpus, source_vocab: int, target_vocab: int, *, joint: bool) -> Lexicon:
    """Learns the table from a corpus; if it has more than _MAX_LINKS pairs of pieces, from every nth sentence pair."""
    together, position = _links(corpus, target_vocab)
    keys, link = _numbered(together)
    del together
    key_source = keys // target_vocab
    probability = np.ones(len(keys))
    for _ in range(_ITERATIONS):
        share = probability[link]
        share /= np.bincount(position, share)[position]  # a target piece is explained by the source pieces
        counts = np.bincount(link, share, len(keys))
        probability = counts / np.bincount(key_source, counts)[key_source]
    frequency = np.bincount(corpus.target.ids, minlength=target_vocab)
    frequent = np.argsort(-frequency, kind="stable")[:_FREQUENT].astype(np.int32)
    return Lexicon(_ranked(keys, probability, source_vocab, target_vocab), frequent, target_vocab, joint)


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the distinct values in ascending order, and the index of each value among them as int32.

    Like `np.unique`, in half the memory.
    """
    order = np.argsort(values, kind="stable")
    rising = values[order]
    new = np.append(True, rising[1:] != rising[:-1])
    place = np.empty(len(values), np.int32)
    place[order] = np.cumsum(new, dtype=np.int32) - 1
    return rising[new], place


def _links(corpus: Corpus, target_vocab: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns source piece * target_vocab + target piece, and the index of the target position, for each link.

    A null piece (PAD) in every source explains target pieces that translate no source piece.
    """
    sizes = (corpus.source.lengths().astype(np.int64) + 1) * corpus.target.lengths()
    stride = max(-(-int(sizes.sum()) // _MAX_LINKS), 1)
    keys, positions = [], []
    first = 0
    for n in range(0, corpus.pairs, stride):
        source = np.append(corpus.source.ids[corpus.source.offsets[n] : corpus.source.offsets[n + 1]], PAD_ID)
        target = corpus.target.ids[corpus.target.offsets[n] : corpus.target.offsets[n + 1]]
        keys.append((source.astype(np.int64) * target_vocab + target.astype(np.int64)[:, np.newaxis]).ravel())
        positions.append(np.repeat(np.arange(first, first + len(target), dtype=np.int32), len(source)))
        first += len(target)
    return np.concatenate(keys), np.concatenate(positions)


def _ranked(keys: np.ndarray, probability: np.ndarray, source_vocab: int, target_vocab: int) -> np.ndarray:
    """Returns [source_vocab, MAX_TRANSLATIONS] int32: the likeliest target pieces of each source piece, then PAD."""
    source, target = keys // target_vocab, keys % target_vocab
    order = np.lexsort((target, -probability, source))
    source, target = source[order], target[order]
    starts = np.searchsorted(source, np.arange(source_vocab))
    rank = np.arange(len(source)) - starts[source]
    kept = rank < MAX_TRANSLATIONS
    best = np.full((source_vocab, MAX_TRANSLATIONS), PAD_ID, np.int32)
    best[source[kept], rank[kept]] = target[kept]
    return best
