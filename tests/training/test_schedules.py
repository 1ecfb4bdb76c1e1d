"""The learning rate rises over the warm-up and then follows its schedule."""

import math

import pytest

from seq2seq_tf.config.common import SCHEDULES, TrainConfig
from seq2seq_tf.training.schedules import learning_rate

PEAK, WARMUP, TOTAL = 0.3, 11, 101


def rate(schedule: str, update: int, *, warmup: int = WARMUP, plateau_scale: float = 1.0) -> float:
    config = TrainConfig(schedule=schedule, learning_rate=PEAK, warmup_updates=warmup)
    return learning_rate(config, update, TOTAL, plateau_scale)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_warm_up_is_a_line_from_zero_to_the_peak(schedule: str) -> None:
    for update in range(1, WARMUP + 1):
        assert rate(schedule, update) == pytest.approx(PEAK * update / WARMUP)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_never_rises_after_the_warm_up(schedule: str) -> None:
    for warmup in (0, 1, WARMUP):
        rates = [rate(schedule, update, warmup=warmup) for update in range(max(warmup, 1), TOTAL + 5)]
        assert max(rates) <= PEAK
        assert rates == sorted(rates, reverse=True)
        assert rates[0] > 0.95 * PEAK


def test_constant_stays_at_the_peak() -> None:
    assert rate("constant", WARMUP + 1) == rate("constant", 10 * TOTAL) == PEAK


def test_cosine_is_half_way_down_in_the_middle_and_zero_at_the_end() -> None:
    assert rate("cosine", WARMUP + (TOTAL - WARMUP) // 2) == pytest.approx(PEAK / 2)
    assert rate("cosine", TOTAL) == pytest.approx(0.0, abs=1e-12)
    assert rate("cosine", TOTAL + 7) == pytest.approx(0.0, abs=1e-12)


def test_inverse_sqrt_halves_when_the_updates_are_four_times_the_warm_up() -> None:
    assert rate("inverse_sqrt", 4 * WARMUP) == pytest.approx(PEAK / 2)
    assert rate("inverse_sqrt", 7, warmup=0) == pytest.approx(PEAK / math.sqrt(7))


def test_plateau_scales_the_peak_after_the_warm_up_only() -> None:
    assert rate("plateau", WARMUP + 1, plateau_scale=0.25) == pytest.approx(0.25 * PEAK)
    assert rate("plateau", WARMUP, plateau_scale=0.25) == pytest.approx(PEAK)


def test_a_training_that_is_all_warm_up_has_a_rate() -> None:
    config = TrainConfig(schedule="cosine", learning_rate=PEAK, warmup_updates=10)
    assert learning_rate(config, 3, 3, 1.0) == pytest.approx(PEAK * 0.3)
