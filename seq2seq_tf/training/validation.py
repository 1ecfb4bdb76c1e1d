"""Scores on held-out data, and which checkpoints are the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from seq2seq_tf.config.common import TrainConfig

_STILL = 3  # validations with an unchanged score before that is reported
SMALLER_IS_BETTER = ("loss", "bits_per_character")


def score_of(scores: Mapping[str, float], metric: str) -> float:
    """Returns the value of a metric as a score: higher is better, so a loss is negated."""
    return -scores[metric] if metric in SMALLER_IS_BETTER else scores[metric]


def perplexity(nll: float, tokens: float) -> float:
    """Returns exp(nll / tokens), at most exp(700), which JSON can represent."""
    return math.exp(min(nll / tokens, 700.0))


def perplexity_shown(value: float, digits: int) -> str:
    """Returns a perplexity to print: with `digits` decimals, or in scientific notation from a million on."""
    return f"{value:.1e}" if value >= 1e6 else f"{value:.{digits}f}"


class ValidationHistory(NamedTuple):
    """The validations so far; part of every checkpoint. Equal scores are ranked by the loss."""

    best: tuple[tuple[float, int], ...] = ()  # (score, update), best first, at most average_best
    since_best: int = 0  # validations without a new best
    plateau_bad: int = 0  # the same since the last reduction of the learning rate
    plateau_scale: float = 1.0
    losses: tuple[float, ...] = ()  # of the entries of `best`; empty in a checkpoint of an older version
    still: tuple[float, float, int] | None = None  # latest score, its loss, and how many validations had that score
    last: int = -1  # update of the last validation; -1 = none yet

    @staticmethod
    def of(stored: Mapping[str, Any]) -> ValidationHistory:
        """Returns the history stored in a checkpoint."""
        return ValidationHistory(**{**stored, "best": tuple((score, update) for score, update in stored["best"])})

    def after(self, score: float, update: int, config: TrainConfig, *, loss: float) -> ValidationHistory:
        """Returns the history after one more validation."""
        unknown = [-math.inf] * (len(self.best) - len(self.losses))  # the earlier of equal ones stays, as before
        ranked = [(s, -old, u) for (s, u), old in zip(self.best, (*self.losses, *unknown), strict=True)]
        improved = not ranked or (score, -loss) > ranked[0][:2]
        ranked = sorted((*ranked, (score, -loss, update)), key=lambda entry: (-entry[0], -entry[1]))
        ranked = ranked[: config.average_best]
        bad, scale = (0, self.plateau_scale) if improved else (self.plateau_bad + 1, self.plateau_scale)
        if bad >= config.plateau_patience:
            bad, scale = 0, scale * config.plateau_factor
        return self._replace(
            best=tuple((s, u) for s, _, u in ranked),
            since_best=0 if improved else self.since_best + 1,
            plateau_bad=bad,
            plateau_scale=scale,
            losses=tuple(-negative for _, negative, _ in ranked),
            still=self._still(score, loss),
            last=update,
        )

    def _still(self, score: float, loss: float) -> tuple[float, float, int]:
        if self.still is None or score != self.still[0] or loss >= self.still[1]:
            return score, loss, 1
        return score, loss, self.still[2] + 1

    @property
    def stands_still(self) -> int:
        """Number of latest validations with the same score though the loss fell each time, if 3, 6, ...; else 0."""
        count = self.still[2] if self.still else 0
        return count if count and count % _STILL == 0 else 0

    @property
    def updates(self) -> list[int]:
        """Updates whose weights are kept in best/."""
        return [update for _, update in self.best]
