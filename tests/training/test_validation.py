"""Which of several validations is the best."""

import math

import pytest

from seq2seq_tf.tasks.translation.config import TranslationTrainConfig
from seq2seq_tf.training.validation import ValidationHistory, perplexity, perplexity_shown

CONFIG = TranslationTrainConfig(average_best=2, metric="bleu")


def after(scores: list[tuple[float, float]]) -> ValidationHistory:
    """Returns the history after validations with (score, loss) at updates 1, 2, ..."""
    validations = ValidationHistory()
    for update, (score, loss) in enumerate(scores, start=1):
        validations = validations.after(score, update, CONFIG, loss=loss)
    return validations


def test_equal_scores_are_ranked_by_the_loss_and_count_as_better() -> None:
    validations = after([(0.0, 5.0), (0.0, 4.0), (0.0, 4.5), (0.0, 3.0)])
    assert validations.updates == [4, 2]
    assert validations.losses == (3.0, 4.0)
    assert validations.since_best == 0
    assert after([(0.0, 5.0), (0.0, 4.0), (0.0, 4.5)]).since_best == 1
    assert after([(7.0, 5.0), (0.0, 4.0), (8.0, 6.0)]).updates == [3, 1]


def test_the_earlier_of_equal_scores_and_losses_stays() -> None:
    validations = after([(1.0, 2.0), (1.0, 2.0), (1.0, 2.0)])
    assert validations.updates == [1, 2]
    assert validations.since_best == 2


def test_the_state_of_an_older_version_keeps_its_ranking() -> None:
    old = ValidationHistory(best=((0.5, 3), (0.25, 2)), since_best=1, plateau_bad=1, plateau_scale=0.5)
    assert old.after(0.5, 4, CONFIG, loss=1.0).updates == [3, 4]
    assert old.after(0.5, 4, CONFIG, loss=1.0).since_best == 2
    assert old.after(0.75, 4, CONFIG, loss=1.0).updates == [4, 3]


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ([(0.0, 5.0), (0.0, 4.0)], 0),
        ([(0.0, 5.0), (0.0, 4.0), (0.0, 3.0)], 3),
        ([(0.0, 5.0), (0.0, 4.0), (0.0, 3.0), (0.0, 2.0)], 0),
        ([(0.0, 5.0), (0.0, 4.0), (0.0, 4.0)], 0),
        ([(0.0, 5.0), (0.0, 4.0), (0.1, 3.0)], 0),
        ([(0.0, float(6 - n)) for n in range(6)], 6),
    ],
)
def test_a_score_that_stays_the_same_while_the_loss_falls_is_noticed(
    scores: list[tuple[float, float]], told: int
) -> None:
    assert after(scores).stands_still == told
    through_a_checkpoint = ValidationHistory(**{**after(scores)._asdict(), "still": list(after(scores).still or ())})
    assert through_a_checkpoint.stands_still == told


def test_a_perplexity_of_hundreds_of_digits_is_shown_in_scientific_notation() -> None:
    shown = [perplexity_shown(perplexity(nats, 1.0), 2) for nats in (0.0, 2.0, 13.0, 14.0, 1e9, math.nan)]
    assert shown == ["1.00", "7.39", "442413.39", "1.2e+06", "1.0e+304", "nan"]
