"""Scores of the current weights on the held-out set, and which checkpoints are the best so far."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from seq2seq_tf.config import Config, TrainConfig
from seq2seq_tf.evaluation import bleu, chrf
from seq2seq_tf.translator import Translator


class Validation(NamedTuple):
    """Held-out scores."""

    loss: float  # nats per target token, without label smoothing
    bleu: float
    chrf: float
    translations: list[str]

    def score(self, metric: str) -> float:
        """Returns the value of a metric such that larger is better."""
        return -self.loss if metric == "loss" else float(getattr(self, metric))


class Standing(NamedTuple):
    """What the validations so far say; part of every checkpoint."""

    best: tuple[tuple[float, int], ...] = ()  # (score, update), best first, at most average_best
    since_best: int = 0  # validations without a new best
    plateau_bad: int = 0  # the same since the last reduction of the learning rate
    plateau_scale: float = 1.0

    def after(self, score: float, update: int, config: TrainConfig) -> Standing:
        """Returns the standing after one more validation."""
        improved = not self.best or score > self.best[0][0]
        best = sorted((*self.best, (score, update)), key=lambda entry: -entry[0])[: config.average_best]
        bad, scale = (0, self.plateau_scale) if improved else (self.plateau_bad + 1, self.plateau_scale)
        if bad >= config.plateau_patience:
            bad, scale = 0, scale * config.plateau_factor
        return Standing(tuple(best), 0 if improved else self.since_best + 1, bad, scale)

    @property
    def updates(self) -> list[int]:
        """Updates whose weights are kept in best/."""
        return [update for _, update in self.best]


def validate(translator: Translator, texts: list[tuple[str, str]], config: Config) -> Validation:
    """Translates the held-out sources greedily and scores the references."""
    sources, references = [s for s, _ in texts], [t for _, t in texts]
    search = dataclasses.replace(config.search, beam_size=1, n_best=1)
    found = translator.translate_all(sources, search)
    translations = [row[0].text for row in found]
    log_probs = np.asarray(translator.score(sources, references))
    tokens = sum(len(ids) + 1 for ids in translator.target.encode(references))
    return Validation(
        loss=float(-log_probs.sum() / tokens),
        bleu=bleu(translations, references, lowercase=config.data.lowercase).value,
        chrf=chrf(translations, references, lowercase=config.data.lowercase).value,
        translations=translations,
    )
