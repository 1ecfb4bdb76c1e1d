"""Detection of target lines that a model could not produce exactly, since tokenisation normalises them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from seq2seq_tf.corpora.findings import Finding, Findings, Place, excerpt
from seq2seq_tf.corpora.part_text import Part
from seq2seq_tf.text.lines import iter_raw_lines
from seq2seq_tf.text.normalization import Normalizer

_WINDOW = 10_000  # lines normalised together: bounds memory
_LOSSY = "data.target_normalization={} changes this line"
_PARTED = "a letter and its accent are separate characters"


def check_normalization(parts: Sequence[Part], rule: str) -> list[Finding]:
    """Returns a warning for each part with target lines that a rule changes, other than in white space.

    Under identity nothing is lost, but the same letter may be composed in one line and decomposed in another; lines
    with decomposed letters are then reported.

    Args:
      parts: parts of a corpus.
      rule: data.target_normalization; one of config.common.NORMALIZATIONS.

    Raises:
      InputError: a file cannot be read.
    """
    plain, other = Normalizer("identity"), Normalizer("nfc" if rule == "identity" else rule)
    listed = []
    for part in parts:
        found = Findings(part.name)
        numbered = enumerate(iter_raw_lines(part.target), start=1)
        while window := list(itertools.islice(numbered, _WINDOW)):
            texts = [raw.decode("utf-8", "ignore") for _, raw in window]
            for (number, _), before, after in zip(window, plain(texts), other(texts), strict=True):
                if rule == "identity" and len(after) < len(before):
                    remedy = "train with data.target_normalization=nfc, which composes them everywhere"
                    found.report("warning", _PARTED, Place(str(part.target), number), remedy)
                elif rule != "identity" and before != after:
                    place = Place(str(part.target), number, f"becomes {excerpt(after)}")
                    remedy = "a model can never produce it in this form; identity and nfc keep such characters"
                    found.report("warning", _LOSSY.format(rule), place, remedy)
        listed += found.listed()
    return listed
