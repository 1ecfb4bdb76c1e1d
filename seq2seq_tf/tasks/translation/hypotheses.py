"""The results of a translator, and how translations of sentences are joined into that of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.text.sentences import Paragraph, usual_gap

_WORD_START = "\u2581"  # SentencePiece's sign for the space before a word
_LARGEST_MAP = 2**22  # weights of a joined attention map; most of them are zeros


class Hypothesis(NamedTuple):
    """One translation of one text."""

    text: str
    score: float  # log-probability / length penalty; orders an n-best list. For several sentences: the sum
    log_prob: float  # natural logarithm, sum over pieces and the end of each sentence
    pieces: list[str]  # of the translation, without EOS
    source_pieces: list[str]
    attention: np.ndarray  # [pieces + 1, source pieces + 1], rows sum to 1; [0, 0] if not requested or too large
    sentences: tuple[Hypothesis, ...] = ()  # their translations, if the text was split into several


def empty() -> Hypothesis:
    """Returns the translation of a text without content."""
    return Hypothesis("", 0.0, 0.0, [], [], np.zeros((0, 0), np.float32))


def join(rows: Sequence[Sequence[Hypothesis]], source: Paragraph, n_best: int) -> list[Hypothesis]:
    """Returns the n_best translations of a text, best first, from those of its sentences.

    A translation's score is the sum of the scores of its sentences, so the best one combines the best of each.

    Args:
      rows: translations of each sentence, best first.
      source: the sentences, and the white space between them.
      n_best: number of translations to return; fewer if there are fewer combinations.
    """
    return [_joined([row[k] for row, k in zip(rows, chosen, strict=True)], source) for chosen in _best(rows, n_best)]


def _best(rows: Sequence[Sequence[Hypothesis]], n_best: int) -> list[list[int]]:
    """Returns the index of the translation of each sentence, for each of the n_best largest sums of scores."""
    scores = np.zeros(1)
    steps: list[tuple[np.ndarray, np.ndarray]] = []  # for each sentence: (previous combination, translation)
    for row in rows:
        sums = scores[:, np.newaxis] + np.array([h.score for h in row])  # [combinations, translations]
        kept = np.argsort(-sums, axis=None, kind="stable")[:n_best]
        before, translation = np.unravel_index(kept, sums.shape)
        scores = sums[before, translation]
        steps.append((before, translation))
    found = []
    for n in range(len(scores)):
        chosen: list[int] = []
        for before, translation in reversed(steps):
            chosen.append(int(translation[n]))
            n = int(before[n])
        found.append(chosen[::-1])
    return found


def _joined(parts: Sequence[Hypothesis], source: Paragraph) -> Hypothesis:
    gaps = [
        usual_gap(part.text) if gap == usual_gap(sentence) else gap  # "" in Chinese, a space in English
        for part, sentence, gap in zip(parts, source.sentences, source.gaps, strict=False)
    ]
    written = [n for n, part in enumerate(parts) if part.text]
    ends = [gaps[n] for n in written[:-1]] + [""]  # an empty translation leaves no white space
    return Hypothesis(
        text="".join(parts[n].text + gap for n, gap in zip(written, ends, strict=False)),
        score=float(sum(part.score for part in parts)),
        log_prob=float(sum(part.log_prob for part in parts)),
        pieces=_joined_pieces([part.pieces for part in parts], gaps),
        source_pieces=_joined_pieces([part.source_pieces for part in parts], source.gaps),
        attention=_joined_attention(parts),
        sentences=tuple(parts),
    )


def _joined_pieces(parts: Sequence[list[str]], gaps: Sequence[str]) -> list[str]:
    """Returns the pieces of all sentences; a sentence that follows without a space does not start a word."""
    pieces = list(parts[0])
    for part, gap in zip(parts[1:], gaps, strict=True):
        glued = bool(pieces and part) and not gap
        pieces += [part[0].removeprefix(_WORD_START), *part[1:]] if glued else part
    return pieces


def _joined_attention(parts: Sequence[Hypothesis]) -> np.ndarray:
    """Returns the maps along the block diagonal; weight on the end of a sentence moves to the end of the text.

    The last row is that of the last sentence. [0, 0] if there are no maps or the joined map would be too large.
    """
    shape = (1 + sum(len(part.pieces) for part in parts), 1 + sum(len(part.source_pieces) for part in parts))
    maps = [part.attention for part in parts if part.attention.size]
    if not maps or shape[0] * shape[1] > _LARGEST_MAP:
        return np.zeros((0, 0), np.float32)
    joined = np.zeros(shape, np.float32)
    row = column = 0
    for weights in maps:
        rows, columns = weights.shape[0] - 1, weights.shape[1] - 1
        joined[row : row + rows, column : column + columns] = weights[:-1, :-1]
        joined[row : row + rows, -1] = weights[:-1, -1]
        joined[-1] = 0.0
        joined[-1, column : column + columns] = weights[-1, :-1]
        joined[-1, -1] = weights[-1, -1]
        row, column = row + rows, column + columns
    return joined
