"""Which target pieces may translate a source piece: a table learnt from the training pairs, for shortlists.

IBM model 1 (Brown et al. 1993) by expectation maximisation over all pairs of pieces that stand in one sentence pair.
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
_MAX_LINKS = 40_000_000  # pairs of pieces that are looked at: bounds time and memory
_ITERATIONS = 5


class Lexicon(NamedTuple):
    """Likeliest translations of each source piece."""

    best: np.ndarray  # [source pieces, MAX_TRANSLATIONS] int32, likeliest first, then PAD
    frequent: np.ndarray  # [_FREQUENT] int32, the most frequent target pieces
    target_vocab: int
    joint: bool  # both sides have the same pieces, so that a piece may translate itself

    def candidates(self, source: np.ndarray, max_translations: int) -> np.ndarray:
        """Returns the target pieces [v] int32, rising, that a search for these sources may choose.

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
        """Writes the file whole or not at all."""
        with atomic_write(path) as file:
            np.savez(file, best=self.best, frequent=self.frequent, size=[self.target_vocab, int(self.joint)])


def load_lexicon(path: str) -> Lexicon:
    """Reads what `Lexicon.save` wrote; InputError if it is damaged."""
    try:
        with open(path, "rb") as stream, np.load(stream) as file:  # NumPy leaves a damaged file open
            size = file["size"]
            return Lexicon(file["best"], file["frequent"], int(size[0]), bool(size[1]))
    except Exception as error:  # a damaged zip raises many kinds
        raise InputError(f"{path}: damaged; delete it, and it is learnt again from data/: {error}") from None


def learn_lexicon(corpus: Corpus, source_vocab: int, target_vocab: int, *, joint: bool) -> Lexicon:
    """Learns the table from (at most _MAX_LINKS links of) a corpus."""
    together, position = _links(corpus, target_vocab)
    keys, link = _numbered(together)
    del together
    key_source = keys // target_vocab
    probability = np.ones(len(keys))
    for _ in range(_ITERATIONS):
        share = probability[link]
        share /= np.bincount(position, share)[position]  # each target piece is explained by its sentence's sources
        counts = np.bincount(link, share, len(keys))
        probability = counts / np.bincount(key_source, counts)[key_source]
    frequency = np.bincount(corpus.target.ids, minlength=target_vocab)
    frequent = np.argsort(-frequency, kind="stable")[:_FREQUENT].astype(np.int32)
    return Lexicon(_ranked(keys, probability, source_vocab, target_vocab), frequent, target_vocab, joint)


def _numbered(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the different values, rising, and the place of each value among them as int32.

    As `np.unique`, in half of its memory.
    """
    order = np.argsort(values, kind="stable")
    rising = values[order]
    new = np.append(True, rising[1:] != rising[:-1])
    place = np.empty(len(values), np.int32)
    place[order] = np.cumsum(new, dtype=np.int32) - 1
    return rising[new], place


def _links(corpus: Corpus, target_vocab: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns source piece * target_vocab + target piece, and the number of the target position, of each link.

    A null piece (PAD) in every source explains target pieces that translate nothing.
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
