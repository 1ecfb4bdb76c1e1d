"""The toy recurrence, h_t = tanh(2 x_t + 3 h_(t-1) + 1): by hand, as a product, by automatic differentiation."""

from __future__ import annotations

import math

import pytest

from seq2seq_tf.inspection.toy_recurrence import run_toy


def test_the_derivative_of_h3_with_respect_to_h1_equals_the_one_by_hand() -> None:
    """x = -0.5, 0, -1.

    h_1 = tanh(2 * -0.5 + 3 * 0 + 1) = tanh(0) = 0
    h_2 = tanh(2 *  0   + 3 * 0 + 1) = tanh(1),            dh_2/dh_1 = 3 (1 - tanh(1)^2) = 12 / (e + 1/e)^2
    h_3 = tanh(2 * -1   + 3 tanh(1) + 1) = tanh(3 tanh(1) - 1),  dh_3/dh_2 = 3 (1 - h_3^2)
    """
    by_hand = 12.0 / (math.e + 1.0 / math.e) ** 2 * 3.0 * (1.0 - math.tanh(3.0 * math.tanh(1.0) - 1.0) ** 2)
    toy = run_toy([-0.5, 0.0, -1.0])
    assert [step.h for step in toy.steps] == pytest.approx([0.0, math.tanh(1.0), math.tanh(3.0 * math.tanh(1.0) - 1.0)])
    assert toy.product == pytest.approx(by_hand, rel=1e-12)
    assert toy.automatic == pytest.approx(by_hand, rel=1e-4)
    assert toy.product == pytest.approx(toy.steps[1].factor * toy.steps[2].factor)


def test_at_zero_each_factor_is_three_and_the_product_explodes() -> None:
    toy = run_toy([-0.5] * 7)  # 2 x + 1 = 0
    assert [step.factor for step in toy.steps] == pytest.approx([3.0] * 7)
    assert toy.product == pytest.approx(3.0**6)
    assert toy.automatic == pytest.approx(3.0**6, rel=1e-5)


def test_far_from_zero_the_product_vanishes() -> None:
    assert 0.0 < run_toy([1.0] * 5).product < 1e-12
