"""A parallel corpus of any size from a small one: all sentences differ, with the words and lengths of real ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import Pair, iter_pairs

_STRIDE = 7919  # a prime, so that copies join each sentence to a different one


def iter_recombined(pairs: list[Pair], count: int) -> Iterator[Pair]:
    """Yields `count` pairs: first the given ones, then copies with first and second halves recombined.

    Copy k joins the first half of pair i to the second half of pair i + k * 7919, on both sides. All pairs differ if
    there are no more copies than pairs, and the two sides are still partly translations of each other.

    Raises:
      InputError: more pairs are requested than can be made.
    """
    halves = [tuple(_halves(text) for text in pair) for pair in pairs]
    copies = -(-count // len(pairs))
    if copies > len(pairs):
        raise InputError(f"{len(pairs)} pairs can be recombined to at most {len(pairs) ** 2:,}, got {count:,}")
    made = (
        (s[0] + other_s[1], t[0] + other_t[1])
        for copy in range(copies)
        for n, (s, t) in enumerate(halves)
        for other_s, other_t in [halves[(n + copy * _STRIDE) % len(halves)]]
    )
    return itertools.islice(made, count)


def _halves(text: str) -> tuple[str, str]:
    words = text.split()
    middle = len(words) // 2
    return "".join(word + " " for word in words[:middle]), " ".join(words[middle:])


def write_recombined(files: Pair, out: Pair, count: int) -> float:
    """Writes `count` pairs made from those in `files`; returns the mean number of words per source sentence.

    Raises:
      InputError: the files have no pairs, or too few for `count`.
    """
    pairs = list(iter_pairs(*files))
    if not pairs:
        raise InputError(f"{files[0]}: empty")
    words = 0
    with open(out[0], "w", encoding="utf-8") as source_file, open(out[1], "w", encoding="utf-8") as target_file:
        for source, target in iter_recombined(pairs, count):
            source_file.write(source + "\n")
            target_file.write(target + "\n")
            words += source.count(" ") + 1
    return words / count
