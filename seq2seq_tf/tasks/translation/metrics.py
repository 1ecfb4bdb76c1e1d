"""Scores of translations: sacreBLEU's BLEU, chrF and TER, with signatures."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sacrebleu.metrics import BLEU, CHRF, TER

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.scripts import WITHOUT_SPACES, count_scripts

_READ_FOR_SCRIPT = 2000  # lines
_AMID_SPACES = 0.2  # largest share of unspaced scripts in spaced text; low, as names in Chinese text may be Latin
_KANA = 0.02  # share of kana above which Chinese characters are Japanese; Chinese text quotes a little kana


class Score(NamedTuple):
    """A corpus score and the signature that makes it comparable (Post 2018)."""

    name: str
    value: float
    signature: str


class BleuScore(NamedTuple):
    """BLEU with its brevity penalty and length ratio, by its own tokenization."""

    name: str
    value: float
    signature: str
    brevity_penalty: float  # factor of the score, below 1 if the outputs are shorter
    length_ratio: float  # words of the outputs / words of the references


# One reference per hypothesis, or several lists of them
References = Sequence[str] | Sequence[Sequence[str]]


def check_parallel(hypotheses: Sequence[str], references: References) -> list[list[str]]:
    """Returns the references as a list of lists.

    Raises:
      InputError: a list does not contain one reference per hypothesis, or there is nothing to score.
    """
    streams = [references] if not references or isinstance(references[0], str) else references
    for stream in streams:
        if len(hypotheses) != len(stream):
            raise InputError(f"{len(hypotheses)} hypotheses but {len(stream)} references")
    if not hypotheses:
        raise InputError("nothing to score: the reference is empty")
    return [[str(text) for text in stream] for stream in streams]


def bleu(
    hypotheses: Sequence[str], references: References, *, lowercase: bool = False, tokenize: str = "13a"
) -> BleuScore:
    """Returns corpus BLEU (Papineni et al. 2002) of detokenised text, as sacreBLEU computes it; 0 to 100.

    Raises:
      InputError: lists of different length, nothing to score, or a tokenizer that is unknown or not installed.
    """
    streams = check_parallel(hypotheses, references)
    if tokenize not in BLEU.TOKENIZERS:
        raise InputError(f"tokenize must be one of {', '.join(BLEU.TOKENIZERS)}, got {tokenize!r}")
    try:
        metric = BLEU(lowercase=lowercase, tokenize=tokenize)
    except (RuntimeError, OSError, AssertionError) as error:  # no package, no dictionary, or a failed download
        raise InputError(f"tokenize={tokenize}: {' '.join(str(error).split())}") from None
    found = metric.corpus_score(list(hypotheses), streams)
    return BleuScore("bleu", found.score, str(metric.get_signature()), found.bp, found.ratio)


def tokenizer_for(texts: Iterable[str]) -> str:
    """Returns BLEU's tokenizer for the script of some texts: 13a if it separates words by spaces.

    zh for Chinese; ja-mecab for Japanese and ko-mecab for Korean, or char if their packages are not installed; char for
    other scripts without spaces (Thai, Lao, Khmer, Burmese, Tibetan).
    """
    counts = count_scripts(itertools.islice(texts, _READ_FOR_SCRIPT))
    kana = counts["Hira"] + counts["Kana"]
    han = kana + counts["Hani"] + counts["Bopo"]
    unspaced = sum(counts[script] for script in WITHOUT_SPACES) - han
    most = max(han, unspaced, counts["Hang"])
    if han + unspaced + counts["Hang"] <= _AMID_SPACES * counts.total():
        return "13a"
    if most == unspaced:
        return "char"
    if most == counts["Hang"]:
        return _if_installed("ko-mecab")
    return _if_installed("ja-mecab") if kana > _KANA * han else "zh"


def _if_installed(tokenize: str) -> str:
    try:
        check_tokenizer(tokenize)
    except InputError:
        return "char"
    return tokenize


def check_tokenizer(tokenize: str) -> None:
    """Raises InputError if a tokenizer is unknown or not installed."""
    bleu(["a"], ["a"], tokenize=tokenize)


def chrf(hypotheses: Sequence[str], references: References, *, lowercase: bool = False) -> Score:
    """Returns corpus chrF2 (Popovic 2015); 0 to 100."""
    streams = check_parallel(hypotheses, references)
    metric = CHRF(lowercase=lowercase)
    value = metric.corpus_score(list(hypotheses), streams).score
    return Score("chrf", value, str(metric.get_signature()))


def ter(hypotheses: Sequence[str], references: References, *, asian: bool = False) -> Score:
    """Returns the corpus translation edit rate (Snover et al. 2006) in per cent; smaller is better.

    Args:
      asian: each Chinese or Japanese character is a word; otherwise a sentence without spaces is a single word.
    """
    streams = check_parallel(hypotheses, references)
    metric = TER(asian_support=asian, normalized=asian)
    value = metric.corpus_score(list(hypotheses), streams).score
    return Score("ter", value, str(metric.get_signature()))
