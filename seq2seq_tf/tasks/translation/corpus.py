"""Checks and tokenizes raw parallel files once, to piece ids on disk that are memory-mapped in training."""

from __future__ import annotations

import itertools
import os
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from seq2seq_tf.data.batching import make_batch
from seq2seq_tf.data.id_files import load_offsets, map_ids, remade
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write_all
from seq2seq_tf.structures import Batch
from seq2seq_tf.tasks.translation.config import TranslationDataConfig
from seq2seq_tf.text.lines import Pair, iter_pairs
from seq2seq_tf.text.normalization import NONE_CHANGED, Changed
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer

_CHUNK = 20_000  # pairs tokenized at a time: bounds memory


class Side(NamedTuple):
    """Ids of one language, sentences end to end; sentence n is ids[offsets[n]:offsets[n + 1]], without EOS."""

    ids: np.ndarray  # [total] uint16 or int32, memory-mapped
    offsets: np.ndarray  # [pairs + 1] int64

    def lengths(self) -> np.ndarray:
        """Returns [pairs] int32: pieces of each sentence, without EOS."""
        return np.diff(self.offsets).astype(np.int32)


class Corpus(NamedTuple):
    """A parallel corpus as ids."""

    source: Side
    target: Side

    @property
    def pairs(self) -> int:
        """Number of sentence pairs."""
        return len(self.source.offsets) - 1


class Prepared(NamedTuple):
    """Numbers of pairs kept and skipped when a corpus was prepared."""

    kept: int
    empty: int
    too_long: int
    source: Changed = NONE_CHANGED  # lines that decoding their pieces does not restore exactly
    target: Changed = NONE_CHANGED

    def __str__(self) -> str:
        return f"{self.kept:,} pairs kept, {self.empty:,} with an empty side and {self.too_long:,} too long skipped"


def prepare_corpus(
    files: tuple[str, str],
    models: tuple[SentencePieceTokenizer, SentencePieceTokenizer],
    config: TranslationDataConfig,
    prefix: str,
    *,
    sample_seed: int = -1,
) -> Prepared:
    """Tokenizes a parallel corpus and writes PREFIX.{source,target}.{DTYPE.ids,offsets.npy}.

    Args:
      files: source and target text.
      models: piece models of source and target.
      config: max_pieces and the sampling noise.
      prefix: path without extension; existing files are replaced once everything is written.
      sample_seed: -1 for the best segmentation, otherwise the seed of a sampled one.

    Raises:
      InputError: files with different numbers of lines, invalid UTF-8 (the message names file and line), no pair left,
        or a full disk.
    """
    dtypes = [np.dtype(np.uint16 if model.vocab_size <= 65536 else np.int32) for model in models]
    names = [
        name
        for side, dtype in zip(("source", "target"), dtypes, strict=True)
        for name in (f"{prefix}.{side}.{dtype.name}.ids", f"{prefix}.{side}.offsets.npy")
    ]
    with atomic_write_all(names, named=f"{prefix}.*") as opened:
        writers = (_SideWriter(opened[0], dtypes[0]), _SideWriter(opened[2], dtypes[1]))
        found = _write_pairs(iter_pairs(*files), models, writers, config, sample_seed)
        if not found.kept:
            raise InputError(
                f"{files[0]} and {files[1]}: no pair left to train on "
                f"({found.empty} with an empty side, {found.too_long} longer than data.max_pieces={config.max_pieces})"
            )
        for writer, file in zip(writers, opened[1::2], strict=True):
            writer.end(file)
    return found


def _write_pairs(
    pairs: Iterator[Pair],
    models: tuple[SentencePieceTokenizer, SentencePieceTokenizer],
    writers: tuple[_SideWriter, _SideWriter],
    config: TranslationDataConfig,
    sample_seed: int,
) -> Prepared:
    """Encodes pairs and passes those that are kept to the writers of both sides."""
    kept = empty = too_long = 0
    changed = [NONE_CHANGED, NONE_CHANGED]
    threads = os.cpu_count() or 1
    for number, chunk in enumerate(iter(lambda: list(itertools.islice(pairs, _CHUNK)), [])):
        sides = []
        for side in (0, 1):
            texts = [pair[side] for pair in chunk]
            if sample_seed < 0:
                sides.append(models[side].encode(texts, threads=threads))
            else:
                seed = (sample_seed * 1_000_003 + number * 2 + side) & 0x7FFFFFFF
                sides.append(models[side].encode_sampled(texts, noise=config.segmentation_noise, seed=seed))
            changed[side] = changed[side].followed_by(texts, models[side].written_back(sides[side], threads=threads))
        for source, target in zip(*sides, strict=True):
            if not source or not target:
                empty += 1
            elif max(len(source), len(target)) > config.max_pieces:
                too_long += 1
            else:
                kept += 1
                writers[0].add(source)
                writers[1].add(target)
    return Prepared(kept, empty, too_long, *changed)


class _SideWriter:
    """Appends sentences to a file of ids; keeps one number per sentence in memory."""

    def __init__(self, file: BinaryIO, dtype: np.dtype[Any]) -> None:
        self._file = file
        self._dtype = dtype
        self._ends = array("q", [0])  # 8 bytes per sentence; a list of int takes 40
        self._parts: list[Sequence[int]] = []

    def add(self, ids: Sequence[int]) -> None:
        self._parts.append(ids)
        self._ends.append(self._ends[-1] + len(ids))
        if len(self._parts) >= _CHUNK:
            self._flush()

    def _flush(self) -> None:
        flat = np.fromiter(itertools.chain.from_iterable(self._parts), self._dtype)
        self._file.write(flat.tobytes())
        self._parts = []

    def end(self, offsets: BinaryIO) -> None:
        """Writes the remaining ids, and the offsets."""
        self._flush()
        np.save(offsets, np.frombuffer(self._ends, np.int64))


def load_corpus(prefix: str) -> Corpus:
    """Memory-maps what `prepare_corpus` wrote; InputError if a file is missing or damaged."""
    return Corpus(_load_side(prefix + ".source"), _load_side(prefix + ".target"))


def _load_side(path: str) -> Side:
    offsets = load_offsets(path + ".offsets.npy")
    for dtype in (np.dtype(np.uint16), np.dtype(np.int32)):
        ids_path = f"{path}.{dtype.name}.ids"
        if os.path.exists(ids_path):
            return Side(map_ids(ids_path, dtype, int(offsets[-1])), offsets)
    raise InputError(f"{path}.*.ids: no such file; {remade(path)}")


def iter_batches(corpus: Corpus, batches: Sequence[np.ndarray]) -> Iterator[Batch]:
    """Yields the planned batches; each element of `batches` contains the indices of its pairs."""
    for chosen in batches:
        rows = [
            [side.ids[side.offsets[n] : side.offsets[n + 1]] for n in chosen] for side in (corpus.source, corpus.target)
        ]
        yield make_batch(rows[0], rows[1])
