"""Made-up parallel corpora, in two invented languages or in English and German, and helpers to audit them."""

from __future__ import annotations

import functools
import random
from pathlib import Path

import numpy as np

from seq2seq_tf.corpora.audit import Audit, audit
from seq2seq_tf.corpora.findings import Finding
from seq2seq_tf.corpora.part_text import Part

_SYLLABLES = (
    [first + vowel for first in ("k", "t", "p", "sh", "r", "m") for vowel in ("a", "i", "u", "ay")],
    [first + vowel + last for first in ("bl", "g", "w", "dr", "z") for vowel in ("e", "ö", "å") for last in ("n", "")],
)
_NAMES = ("Bolivar", "Ingrid", "Novak", "Quito", "Stefano", "Tanaka", "Umeå", "Zhang")
_WORDS = 600
LINES = 401


def corpus(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """Returns sentence pairs: 3 to 20 words, translated word by word, with the first two swapped.

    A tenth of the words are names and numbers, the same on both sides; word frequencies follow Zipf's law.
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


@functools.cache
def sides() -> tuple[list[str], list[str]]:
    """Returns the sources and the targets of a corpus."""
    sources, targets = zip(*corpus(LINES), strict=True)
    return list(sources), list(targets)


_ENGLISH = (
    ["The old teacher", "My neighbour", "A young woman", "This small company", "Nobody here", "Our best friend"],
    ["wants to sell", "has already seen", "would never forget", "is looking for", "did not understand"],
    ["the yellow house", "those three letters", "a good answer", "her new bicycle", "the long way home"],
    ["because it is raining.", "before the summer.", "with a little help.", "and that is enough.", "every morning."],
)
_GERMAN = (
    ["Der alte Lehrer", "Mein Nachbar", "Eine junge Frau", "Diese kleine Firma", "Niemand hier", "Unser bester Freund"],
    ["will verkaufen:", "hat schon gesehen:", "würde nie vergessen:", "ist auf der Suche:", "verstand nicht:"],
    ["das gelbe Haus", "diese drei Briefe", "eine gute Antwort", "ihr neues Fahrrad", "den langen Weg nach Hause"],
    ["weil es regnet.", "noch vor dem Sommer.", "mit ein wenig Hilfe.", "und das genügt.", "jeden Morgen."],
)


def english_and_german() -> tuple[list[str], list[str]]:
    """Returns 400 sentences in English and their 400 translations into German."""
    draw = random.Random(5)
    chosen = [[draw.randrange(len(part)) for part in _ENGLISH] for _ in range(400)]
    both = [
        [" ".join(part[n] for part, n in zip(words, row, strict=True)) for row in chosen]
        for words in (_ENGLISH, _GERMAN)
    ]
    return both[0], both[1]


def audited(part: Part, languages: tuple[str, str] = ("xx", "yy")) -> Audit:
    """Returns the audit of a part; long lines and odd length ratios are not reported."""
    return audit([part], languages, max_words=10**6, max_deviation=1e9)


def only_error(result: Audit) -> Finding:
    """Returns the only error, after checking that it has a remedy."""
    errors = [finding for finding in result.findings if finding.severity == "error"]
    assert len(errors) == 1, result.findings
    assert errors[0].remedy
    return errors[0]


def errors_and_warnings(result: Audit, *, without: str = "duplicate pair") -> list[tuple[str, str]]:
    """Returns severity and check of each finding, except those of one check."""
    return [(finding.severity, finding.check) for finding in result.findings if finding.check != without]


def part(folder: Path, name: str, source: str | bytes, target: str | bytes) -> Part:
    """Writes FOLDER/NAME.en and FOLDER/NAME.de unchanged, and returns them."""
    files = [folder / f"{name}.en", folder / f"{name}.de"]
    for file, text in zip(files, (source, target), strict=True):
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Part(name, *files)


def examined(*parts: Part) -> Audit:
    """Returns the audit of parts, with limits that a short text can exceed."""
    return audit(parts, ("en", "de"), max_words=7, max_deviation=3.0)


def only_finding(result: Audit) -> Finding:
    """Returns the only finding."""
    assert len(result.findings) == 1, result.findings
    return result.findings[0]


def places(finding: Finding) -> tuple[str, ...]:
    """Returns the places of a finding, after checking that it has a remedy."""
    assert finding.remedy
    return tuple(map(str, finding.examples))
