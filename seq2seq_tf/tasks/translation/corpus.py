"""Raw parallel files -> checked and cut into pieces once -> ids on disk that are memory-mapped while training."""

from __future__ import annotations

import contextlib
import itertools
import os
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.data.batching import make_batch
from seq2seq_tf.data.id_files import load_offsets, map_ids, remade
from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import Batch
from seq2seq_tf.tasks.translation.config import TranslationDataConfig
from seq2seq_tf.text.lines import iter_pairs
from seq2seq_tf.text.normalization import NONE_CHANGED, Changed
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer

_CHUNK = 20_000  # pairs cut into pieces at a time: bounds memory


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
    """What preparing a corpus kept and left out."""

    kept: int
    empty: int
    too_long: int
    source: Changed = NONE_CHANGED  # lines that do not come back exactly from their pieces
    target: Changed = NONE_CHANGED

    def __str__(self) -> str:
        return f"{self.kept:,} pairs kept, {self.empty:,} with an empty side and {self.too_long:,} too long left out"


def prepare_corpus(
    files: tuple[str, str],
    models: tuple[SentencePieceTokenizer, SentencePieceTokenizer],
    config: TranslationDataConfig,
    prefix: str,
    *,
    sample_seed: int = -1,
) -> Prepared:
    """Cuts a parallel corpus into pieces and writes PREFIX.{source,target}.{ids,offsets}.npy.

    Args:
      files: source and target text.
      models: piece models of source and target.
      config: max_pieces and the sampling noise.
      prefix: path without ending; existing files are replaced once everything is written.
      sample_seed: -1 for the best segmentation, otherwise the seed of a random one.

    Raises:
      InputError: files of different length, invalid UTF-8 (file and line named), nothing left, a full disk.
    """
    writers = tuple(
        _SideWriter(f"{prefix}.{side}", models[n].vocab_size) for n, side in enumerate(("source", "target"))
    )
    kept = empty = too_long = 0
    changed = [NONE_CHANGED, NONE_CHANGED]
    threads = os.cpu_count() or 1
    pairs = iter_pairs(*files)
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
    if not kept:
        raise InputError(
            f"{files[0]} and {files[1]}: no pair left to train on "
            f"({empty} with an empty side, {too_long} longer than data.max_pieces={config.max_pieces})"
        )
    for writer in writers:
        writer.close()
    for writer in writers:
        writer.rename()
    return Prepared(kept, empty, too_long, *changed)


class _SideWriter:
    """Appends sentences to a file of ids; memory holds one number per sentence."""

    def __init__(self, path: str, vocab_size: int) -> None:
        self.path = path
        self.dtype = np.dtype(np.uint16 if vocab_size <= 65536 else np.int32)
        with _named(path):
            self._file = open(path + ".ids.tmp", "wb")  # noqa: SIM115 - closed in close()
        self._ends = array("q", [0])  # 8 bytes a sentence, where a list of numbers takes 40
        self._parts: list[Sequence[int]] = []

    def add(self, ids: Sequence[int]) -> None:
        self._parts.append(ids)
        self._ends.append(self._ends[-1] + len(ids))
        if len(self._parts) >= _CHUNK:
            self._flush()

    def _flush(self) -> None:
        flat = np.fromiter(itertools.chain.from_iterable(self._parts), self.dtype)
        with _named(self.path):
            self._file.write(flat.tobytes())
        self._parts = []

    def close(self) -> None:
        """Writes the rest, still under temporary names."""
        self._flush()
        with _named(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            with open(self.path + ".offsets.tmp", "wb") as file:
                np.save(file, np.frombuffer(self._ends, np.int64))
                file.flush()
                os.fsync(file.fileno())

    def rename(self) -> None:
        """Gives the files their names; nothing can be half written any more."""
        with _named(self.path):
            os.replace(self.path + ".ids.tmp", f"{self.path}.{self.dtype.name}.ids")
            os.replace(self.path + ".offsets.tmp", self.path + ".offsets.npy")


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
    """Turns a full disk, or a missing right, into an InputError that names the files."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}.*: cannot be written: {error.strerror or error}") from None


def load_corpus(prefix: str) -> Corpus:
    """Memory-maps what `prepare_corpus` wrote."""
    return Corpus(_load_side(prefix + ".source"), _load_side(prefix + ".target"))


def _load_side(path: str) -> Side:
    offsets = load_offsets(path + ".offsets.npy")
    for dtype in (np.dtype(np.uint16), np.dtype(np.int32)):
        ids_path = f"{path}.{dtype.name}.ids"
        if os.path.exists(ids_path):
            return Side(map_ids(ids_path, dtype, int(offsets[-1])), offsets)
    raise InputError(f"{path}.*.ids: no such file; {remade(path)}")


def iter_batches(corpus: Corpus, batches: Sequence[np.ndarray]) -> Iterator[Batch]:
    """Yields the planned batches; each element of `batches` holds the numbers of its pairs."""
    for chosen in batches:
        rows = [
            [side.ids[side.offsets[n] : side.offsets[n + 1]] for n in chosen] for side in (corpus.source, corpus.target)
        ]
        yield make_batch(rows[0], rows[1])
