"""A made-up parallel corpus in two invented languages: realistic lengths, names, numbers; nothing to download."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seq2seq_tf.corpora.part_text import Part

_SYLLABLES = (
    [first + vowel for first in ("k", "t", "p", "sh", "r", "m") for vowel in ("a", "i", "u", "ay")],
    [first + vowel + last for first in ("bl", "g", "w", "dr", "z") for vowel in ("e", "ö", "å") for last in ("n", "")],
)
_NAMES = ("Bolivar", "Ingrid", "Novak", "Quito", "Stefano", "Tanaka", "Umeå", "Zhang")
_WORDS = 600


def corpus(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """Returns pairs of sentences: 3 to 20 words, translated one by one, with two neighbours exchanged.

    A tenth of the words are names and numbers, the same on both sides; frequent words are frequent as in a language.
    """
    draw = np.random.default_rng(seed)
    lexicon = [[_word(draw, side) for _ in range(_WORDS)] for side in (0, 1)]
    frequency = 1.0 / np.arange(1, _WORDS + 1)
    pairs = []
    for _ in range(count):
        chosen = draw.choice(_WORDS, draw.integers(3, 21), p=frequency / frequency.sum())
        sides = [[lexicon[side][word] for word in chosen] for side in (0, 1)]
        sides[1][:2] = sides[1][1::-1]
        for place in np.flatnonzero(draw.random(len(chosen)) < 0.1):
            same = str(draw.choice(_NAMES)) if draw.random() < 0.5 else str(draw.integers(2, 2000))
            sides[0][place] = sides[1][place] = same
        pairs.append((" ".join(sides[0]) + ".", " ".join(sides[1]) + "."))
    return pairs


def _word(draw: np.random.Generator, side: int) -> str:
    return "".join(draw.choice(_SYLLABLES[side], draw.integers(1, 5)))


def write_part(
    folder: Path,
    sources: list[str],
    targets: list[str],
    *,
    languages: tuple[str, str] = ("xx", "yy"),
    end: str = "\n",
) -> Part:
    """Writes FOLDER/train.xx and FOLDER/train.yy and returns them."""
    files = [folder / f"train.{language}" for language in languages]
    for file, lines in zip(files, (sources, targets), strict=True):
        file.write_bytes("".join(line + end for line in lines).encode())
    return Part("train", *files)
