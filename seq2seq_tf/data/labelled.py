"""Texts with labels: reading from folders, storing as ids on disk, drawing random parts for training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2seq_tf.data.id_files import load_array, load_offsets, remade
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import atomic_write
from seq2seq_tf.text.lines import iter_lines
from seq2seq_tf.text.scripts import is_visible

_ENDINGS = (".txt", ".txt.gz")
_SNIPPETS = 0x736E6970  # keeps these random numbers independent of those of the batch plan


class LabelledTexts(NamedTuple):
    """Texts and the index of the label of each."""

    texts: list[str]
    labels: list[int]
    blank: int  # number of lines without text, which are left out

    def only(self, kept: Sequence[bool]) -> LabelledTexts:
        """Returns the texts for which `kept` is true; the others are counted as blank."""
        texts = [text for text, keep in zip(self.texts, kept, strict=True) if keep]
        labels = [label for label, keep in zip(self.labels, kept, strict=True) if keep]
        return LabelledTexts(texts, labels, self.blank + len(self.texts) - len(texts))


def label_files(folder: str) -> dict[str, str]:
    """Returns label -> path of the files LABEL.txt or LABEL.txt.gz in a folder, sorted by label.

    Raises:
      InputError: the folder does not exist or has no such files, or a label has two files.
    """
    if not os.path.isdir(folder):
        raise InputError(f"{folder}: no such folder; it should contain LABEL.txt for each label")
    found: dict[str, str] = {}
    for path in sorted(Path(folder).iterdir()):
        ending = next((e for e in _ENDINGS if path.name.endswith(e)), None)
        if not ending or path.name.startswith("."):
            continue
        label = path.name.removesuffix(ending)
        if label in found:
            raise InputError(f"{path}: label {label!r} already has a file, {found[label]}")
        found[label] = str(path)
    if not found:
        raise InputError(f"{folder}: contains no files LABEL.txt")
    return dict(sorted(found.items()))


def label_paths(folder: str) -> list[str]:
    """Returns the paths of `label_files` in the same order, or none if it fails."""
    try:
        return list(label_files(folder).values())
    except InputError:
        return []


def read_labelled(folder: str, labels: Sequence[str]) -> LabelledTexts:
    """Reads the texts of a folder.

    Args:
      folder: folder with LABEL.txt for some of the labels.
      labels: all known labels; a text gets the index of its label.

    Raises:
      InputError: as for `label_files` and `iter_lines`; or a label is unknown, or a file contains no text.
    """
    texts: list[str] = []
    numbers: list[int] = []
    blank = 0
    for label, path in label_files(folder).items():
        if label not in labels:
            raise InputError(f"{path}: label {label!r} is not one of {', '.join(labels)}")
        lines = list(iter_lines(path))
        kept = [line for line in lines if is_visible(line)]
        if not kept:
            raise InputError(f"{path}: contains no text")
        texts += kept
        numbers += [labels.index(label)] * len(kept)
        blank += len(lines) - len(kept)
    return LabelledTexts(texts, numbers, blank)


class LabelledIds(NamedTuple):
    """Concatenated sequences; sequence n is ids[offsets[n]:offsets[n + 1]]."""

    ids: np.ndarray  # [total] int32
    offsets: np.ndarray  # [sequences + 1] int64
    labels: np.ndarray  # int32: [sequences], one per sequence, or [total], one per symbol

    def lengths(self) -> np.ndarray:
        """Returns the lengths [sequences] int64."""
        return np.diff(self.offsets)


def pack_ids(rows: Sequence[Sequence[int]], labels: Sequence[int] | np.ndarray) -> LabelledIds:
    """Returns the concatenated rows of ids with their labels."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    ids = np.fromiter((i for row in rows for i in row), np.int32, count=int(offsets[-1]))
    return LabelledIds(ids, offsets, np.asarray(labels, np.int32))


def save_ids(prefix: str, found: LabelledIds) -> None:
    """Writes PREFIX.{ids,offsets,labels}.npy, each atomically.

    Raises:
      InputError: a file cannot be written.
    """
    for name, array in found._asdict().items():
        with atomic_write(f"{prefix}.{name}.npy") as file:
            np.save(file, array)


def load_ids(prefix: str) -> LabelledIds:
    """Loads the files written by `save_ids`, with ids and labels memory-mapped.

    Raises:
      InputError: a file is missing or damaged, or the files do not match.
    """
    offsets = load_offsets(f"{prefix}.offsets.npy")
    ids, labels = (load_array(f"{prefix}.{name}.npy", mapped=True) for name in ("ids", "labels"))
    sizes = {"ids": (ids, {offsets[-1]}), "labels": (labels, {offsets[-1], len(offsets) - 1})}
    for name, (array, wanted) in sizes.items():
        if array.ndim != 1 or array.dtype != np.int32 or len(array) not in wanted:
            path = f"{prefix}.{name}.npy"
            raise InputError(f"{path}: does not match {prefix}.offsets.npy; {remade(path)}")
    return LabelledIds(ids, offsets, labels)


class Spans(NamedTuple):
    """A part of each sequence: `length` symbols from `start`."""

    start: np.ndarray  # [sequences] int64, index into the concatenated ids
    length: np.ndarray  # [sequences] int64


def draw_spans(offsets: np.ndarray, *, share: float, shortest: int, seed: int, epoch: int) -> Spans:
    """Returns the part of each sequence that is read in an epoch: all of it, or a random part.

    The length of a part is drawn uniformly on a logarithmic scale, from `shortest` to the whole length, so that short
    parts are as frequent as long ones. A pure function of its arguments.

    Args:
      offsets: [sequences + 1] boundaries of the sequences.
      share: share of the sequences of which only a part is read.
      shortest: minimum length of a part in symbols; sequences that are not longer are read whole.
      seed: random seed of the run.
      epoch: number of the epoch.
    """
    random = np.random.default_rng([seed, epoch, _SNIPPETS])
    whole = np.diff(offsets)
    chosen, size, place = random.random((3, len(whole)))
    low = np.minimum(shortest, whole)
    drawn = np.floor(low * ((whole + 1) / np.maximum(low, 1)) ** size).astype(np.int64)
    length = np.where(chosen < share, np.clip(drawn, low, whole), whole)
    start = np.floor(place * (whole - length + 1)).astype(np.int64)
    return Spans(offsets[:-1] + start, length)


def snippets(texts: Sequence[str], characters: int, seed: int) -> list[str]:
    """Returns `characters` characters of each text from a random, seed-dependent place; shorter texts stay whole."""
    places = np.random.default_rng([seed, _SNIPPETS]).random(len(texts))
    starts = [int(place * max(len(text) - characters + 1, 1)) for text, place in zip(texts, places, strict=True)]
    return [text[start : start + characters] for text, start in zip(texts, starts, strict=True)]
