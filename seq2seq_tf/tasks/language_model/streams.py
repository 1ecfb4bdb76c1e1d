"""Text as one long stream of tokens: ids memory-mapped from disk and read at several places in parallel.

A stream is a ring: each file begins with BOS, and the last file is followed by the first. For an epoch it is cut into
B rows of equal length, and the rows into chunks of L tokens; the state after one chunk carries over to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.data.batching import Chunk
from seq2seq_tf.data.id_files import map_ids, remade
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write, write_text
from seq2seq_tf.structures import BOS_ID, UNK_ID
from seq2seq_tf.text.running_text import text_ids
from seq2seq_tf.text.tokenizer import Tokenizer


class StreamSize(NamedTuple):
    """Counts of what a stream contains."""

    files: int
    characters: int
    symbols: int  # tokens, beginnings of files included; files on disk use this name
    unknown: int  # tokens missing from the vocabulary

    def __str__(self) -> str:
        unknown = f", {self.unknown:,} of them unknown" if self.unknown else ""
        return f"{self.files:,} files, {self.characters:,} characters, {self.symbols:,} tokens{unknown}"


class Stream(NamedTuple):
    """A text as token ids."""

    ids: np.ndarray  # [N] uint16 or int32, memory-mapped; each file begins with BOS
    size: StreamSize


def write_stream(texts: Iterable[str], tokenizer: Tokenizer, prefix: str) -> StreamSize:
    """Writes texts one after the other to PREFIX.ids and their counts to PREFIX.json; only one is in memory at a time.

    Raises:
      InputError: the text is empty or the disk full.
    """
    dtype = np.dtype(np.uint16 if tokenizer.vocab_size <= 65536 else np.int32)
    files = characters = count = unknown = 0
    with atomic_write(prefix + ".ids") as file:
        for text in texts:
            ids = np.asarray([BOS_ID, *text_ids(tokenizer, text)], dtype)
            file.write(ids.tobytes())
            files, characters, count = files + 1, characters + len(text), count + len(ids)
            unknown += int((ids == UNK_ID).sum())
        if not characters:
            raise InputError(f"{prefix}: the text is empty")
    size = StreamSize(files, characters, count, unknown)
    write_text(prefix + ".json", json.dumps({"dtype": dtype.name, **size._asdict()}))
    return size


def load_stream(prefix: str) -> Stream:
    """Memory-maps a stream written by `write_stream`.

    Raises:
      InputError: a file is missing or damaged.
    """
    try:
        with open(prefix + ".json", encoding="utf-8") as file:
            about = json.load(file)
        dtype = np.dtype(about.pop("dtype"))
        size = StreamSize(**about)
        count = int(size.symbols)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{prefix}.json: missing or damaged; {remade(prefix)}") from None
    return Stream(map_ids(prefix + ".ids", dtype, count), size)


def row_length(tokens: int, rows: int) -> int:
    """Returns how many tokens each of `rows` rows reads in an epoch; fewer than `rows` tokens are left over."""
    return tokens // rows


def epoch_offset(tokens: int, seed: int, epoch: int) -> int:
    """Returns where in the ring an epoch begins: a function of (seed, epoch)."""
    return int(np.random.default_rng([seed, epoch]).integers(tokens))


def iter_chunks(ids: np.ndarray, rows: int, offset: int, chunks: Sequence[Chunk]) -> Iterator[np.ndarray]:
    """Yields chunks as [rows, L + 1] int32: a model reads columns 0 to L - 1 and predicts columns 1 to L.

    Args:
      ids: [N], the stream.
      rows: B; row b begins at offset + b * (N // B).
      offset: see `epoch_offset`.
      chunks: from `plan_chunks`.
    """
    begins = offset + np.arange(rows) * row_length(len(ids), rows)  # [B]
    for start, stop in chunks:
        places = begins[:, np.newaxis] + np.arange(start, stop + 1)  # [B, L + 1]
        yield ids[places % len(ids)].astype(np.int32)
