"""Scores of translations: sacreBLEU's BLEU, chrF and TER, with signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sacrebleu.metrics import BLEU, CHRF, TER

from seq2seq_tf.errors import InputError


class Score(NamedTuple):
    """A corpus score and the signature that makes it comparable (Post 2018)."""

    name: str
    value: float
    signature: str


def check_parallel(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    """Raises InputError unless there is one reference per hypothesis, and at least one."""
    if len(hypotheses) != len(references):
        raise InputError(f"{len(hypotheses)} hypotheses but {len(references)} references")
    if not references:
        raise InputError("nothing to score: the reference is empty")


def bleu(
    hypotheses: Sequence[str], references: Sequence[str], *, lowercase: bool = False, tokenize: str = "13a"
) -> Score:
    """Corpus BLEU (Papineni 2002) of detokenised text, as sacreBLEU computes it; 0 to 100.

    Raises:
      InputError: lists of different length, nothing to score, or a tokenizer that is unknown or not installed.
    """
    check_parallel(hypotheses, references)
    if tokenize not in BLEU.TOKENIZERS:
        raise InputError(f"tokenize must be one of {', '.join(BLEU.TOKENIZERS)}, got {tokenize!r}")
    try:
        metric = BLEU(lowercase=lowercase, tokenize=tokenize)
    except (RuntimeError, OSError) as error:  # an extra package, or a model that it would download
        raise InputError(f"tokenize={tokenize}: {' '.join(str(error).split())}") from None
    value = metric.corpus_score(list(hypotheses), [list(references)]).score
    return Score("bleu", value, str(metric.get_signature()))


def chrf(hypotheses: Sequence[str], references: Sequence[str], *, lowercase: bool = False) -> Score:
    """Corpus chrF2 (Popovic 2015); 0 to 100."""
    check_parallel(hypotheses, references)
    metric = CHRF(lowercase=lowercase)
    value = metric.corpus_score(list(hypotheses), [list(references)]).score
    return Score("chrf", value, str(metric.get_signature()))


def ter(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus translation edit rate (Snover 2006); smaller is better."""
    check_parallel(hypotheses, references)
    metric = TER()
    value = metric.corpus_score(list(hypotheses), [list(references)]).score
    return Score("ter", value, str(metric.get_signature()))
