"""Scores on held-out data: which checkpoints are the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from seq2seq_tf.options.common import TrainConfig

SMALLER_IS_BETTER = ("loss", "bits_per_character")


def goodness(scores: Mapping[str, float], metric: str) -> float:
    """Returns the value of a metric such that larger is better."""
    return -scores[metric] if metric in SMALLER_IS_BETTER else scores[metric]


def perplexity(nll: float, tokens: float) -> float:
    """Returns exp(nll / tokens), at most exp(700): a number that JSON can hold."""
    return math.exp(min(nll / tokens, 700.0))


class Standing(NamedTuple):
    """What the validations so far say; part of every checkpoint."""

    best: tuple[tuple[float, int], ...] = ()  # (score, update), best first, at most average_best
    since_best: int = 0  # validations without a new best
    plateau_bad: int = 0  # the same since the last reduction of the learning rate
    plateau_scale: float = 1.0

    @staticmethod
    def of(stored: Mapping[str, Any]) -> Standing:
        """Returns what a checkpoint holds of a standing."""
        return Standing(**{**stored, "best": tuple((score, update) for score, update in stored["best"])})

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
