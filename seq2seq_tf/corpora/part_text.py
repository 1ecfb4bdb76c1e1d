"""One part of a parallel corpus as text that checks can read repeatedly."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from seq2seq_tf.corpora.side_contrast import SideContrast
from seq2seq_tf.text.lines import Pair, iter_raw_lines
from seq2seq_tf.text.scripts import is_visible

_SAMPLE = 10_000  # pairs


class Part(NamedTuple):
    """One part of a corpus: its name (train, valid, test...) and its two files."""

    name: str
    source: Path
    target: Path


class PartText:
    """The lines of a part. Bytes that are not UTF-8 are ignored; `audit` reports them.

    Args:
      part: its files.
      languages: file extensions of sources and targets, for example en and pt-br.
    """

    def __init__(self, part: Part, languages: tuple[str, str]) -> None:
        self.part = part
        self.languages = languages

    def lines(self) -> Iterator[tuple[str | None, str | None]]:
        """Yields line N of both sides; None after the end of the shorter one.

        Raises:
          InputError: a file cannot be read.
        """
        files = iter_raw_lines(self.part.source), iter_raw_lines(self.part.target)
        for raw in itertools.zip_longest(*files):
            source, target = (None if line is None else line.decode("utf-8", "ignore") for line in raw)
            yield source, target

    @functools.cached_property
    def sample(self) -> list[Pair]:
        """Up to 10,000 randomly drawn pairs, in file order, with different, non-empty texts on both sides."""
        chosen: list[tuple[int, Pair]] = []
        draw = random.Random(1)
        seen = 0
        for source, target in self.lines():
            if source and target and is_visible(source) and is_visible(target) and source != target:
                if len(chosen) < _SAMPLE:
                    chosen.append((seen, (source, target)))
                elif (place := draw.randrange(seen + 1)) < _SAMPLE:
                    chosen[place] = (seen, (source, target))
                seen += 1
        return [pair for _, pair in sorted(chosen)]

    @functools.cached_property
    def contrast(self) -> SideContrast:
        """Models that distinguish the languages of the two sides, learned from the sample."""
        return SideContrast(self.sample)
