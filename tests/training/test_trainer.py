"""An update applies the clipped mean gradient per token once, completely or not at all."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.config.common import TrainConfig
from seq2seq_tf.structures import LossSum
from seq2seq_tf.training.trainer import Trainer, UpdateResult, split_rows

ROWS, INPUTS, OUTPUTS = 7, 5, 3
SPEC = (tf.TensorSpec([None, INPUTS]), tf.TensorSpec([None, OUTPUTS]))
RATE = 0.1


class Regression:
    """A least-squares problem in which each row is one token; counts how often it is traced."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.kernel = keras.Variable(random.normal(size=(INPUTS, OUTPUTS)), dtype="float32", name="kernel")
        self.bias = keras.Variable(random.normal(size=(OUTPUTS,)), dtype="float32", name="bias")
        self.trainable_variables = [self.kernel, self.bias]
        self.traces = 0

    def batch_loss(self, batch: Any, carry: Any, *, dropout_seed: tf.Tensor | None) -> tuple[LossSum, Any]:
        self.traces += 1
        inputs, labels = batch
        errors = tf.matmul(inputs, self.kernel.value) + self.bias.value - labels
        total = tf.reduce_sum(tf.square(errors))
        return LossSum(total, total, tf.cast(tf.shape(inputs)[0], tf.float32)), carry


def batch(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, INPUTS))
    return inputs.astype(np.float32), (inputs @ np.ones((INPUTS, OUTPUTS)) + 2.0).astype(np.float32)


def trainer(seed: int = 1, model: type = Regression, **changes: Any) -> Trainer:
    options = {"optimizer": "sgd", "clip_norm": 0.0, "learning_rate": RATE, "shards": 1, **changes}
    carry_spec = tf.TensorSpec([None], tf.int32) if model is Numbered else ()
    return Trainer(model(seed), TrainConfig(**options), SPEC, carry_spec)


def values(made: Trainer) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in made.variables().items()}


def one_update(made: Trainer, *batches: Any, first: int = 0, rate: float = RATE) -> UpdateResult:
    result, carry = made.update(batches, (), first, rate)
    assert carry == ()
    return result


def mean_gradient(made: Trainer, data: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
    """Returns the gradient of the mean loss per row, derived by hand."""
    inputs, labels = data
    kernel, bias = (v.numpy() for v in made.model.trainable_variables)
    errors = 2.0 * (inputs @ kernel + bias - labels) / len(inputs)
    return [inputs.T @ errors, errors.sum(0)]


def change(made: Trainer, *batches: Any, rate: float = RATE) -> tuple[list[np.ndarray], UpdateResult]:
    """Returns old minus new weights, divided by the learning rate, after one update."""
    before = [v.numpy() for v in made.model.trainable_variables]
    result = one_update(made, *batches, rate=rate)
    after = [v.numpy() for v in made.model.trainable_variables]
    return [(b - a) / rate for b, a in zip(before, after, strict=True)], result


def assert_close(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=2e-4, atol=2e-5)


def test_an_update_applies_the_gradient_of_the_mean_per_token() -> None:
    made, data = trainer(), batch(ROWS, 1)
    expected = mean_gradient(made, data)
    found, result = change(made, data)
    assert_close(found, expected)
    assert result.weight == ROWS
    assert result.norm == pytest.approx(np.sqrt(sum((g**2).sum() for g in expected)), rel=1e-4)
    assert result.finite


def test_accumulated_batches_of_different_size_are_one_update_on_all_their_tokens() -> None:
    parts = [batch(2, 1), batch(5, 2), batch(3, 3)]
    joined = tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    together, apart = trainer(), trainer(accumulate=3)
    for _ in range(3):  # nothing may be left over from the previous update
        expected, at_once = change(together, joined)
        found, summed = change(apart, *parts)
        assert_close(found, expected)
        np.testing.assert_allclose(summed[:4], at_once[:4], rtol=1e-4)


def test_the_last_update_of_an_epoch_may_have_fewer_batches() -> None:
    made, data = trainer(accumulate=3), batch(ROWS, 1)
    one_update(made, data, data, data)
    expected = mean_gradient(made, data)
    found, result = change(made, data)
    assert_close(found, expected)
    assert result.weight == ROWS


@pytest.mark.parametrize("accumulate", [1, 2])
def test_clipping_bounds_the_norm_and_keeps_the_direction(accumulate: int) -> None:
    made, data = trainer(clip_norm=0.25, accumulate=accumulate), batch(ROWS, 1)
    gradient = mean_gradient(made, data)
    norm = np.sqrt(sum((g**2).sum() for g in gradient))
    found, result = change(made, *[data] * accumulate)
    assert norm > 0.25
    assert result.norm == pytest.approx(norm, rel=1e-4)  # before clipping
    assert_close(found, [g * 0.25 / norm for g in gradient])


def test_a_gradient_below_the_bound_is_not_clipped() -> None:
    made, data = trainer(clip_norm=1e6), batch(ROWS, 1)
    expected = mean_gradient(made, data)
    assert_close(change(made, data)[0], expected)


class Faulty(Regression):
    """A problem whose loss is not a number where labels are not, though its gradient is."""

    def batch_loss(self, batch: Any, carry: Any, *, dropout_seed: tf.Tensor | None) -> tuple[LossSum, Any]:
        finite = (batch[0], tf.where(tf.math.is_finite(batch[1]), batch[1], 0.0))
        loss, carry = super().batch_loss(finite, carry, dropout_seed=dropout_seed)
        return loss._replace(total=loss.total + tf.stop_gradient(tf.reduce_sum(batch[1]))), carry


@pytest.mark.parametrize(
    ("model", "accumulate", "wrong"),
    [(Regression, 1, np.nan), (Regression, 2, np.inf), (Faulty, 1, np.inf), (Faulty, 2, np.nan)],
)
def test_a_loss_that_is_not_finite_applies_nothing(model: type, accumulate: int, wrong: float) -> None:
    made, healthy = (trainer(model=model, optimizer="adam", clip_norm=1.0, accumulate=accumulate) for _ in range(2))
    good, bad = batch(ROWS, 1), batch(ROWS, 2)
    bad[1][2, 1] = wrong
    for one in made, healthy:
        one_update(one, *[good] * accumulate)
    before = values(made)
    result = one_update(made, *[bad, good][:accumulate])
    assert not result.finite
    for name, value in values(made).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    for one in made, healthy:
        one_update(one, *[good] * accumulate)
    for name, value in values(made).items():
        np.testing.assert_array_equal(value, values(healthy)[name], err_msg=name)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_batches_of_any_size_and_any_rate_share_one_trace(accumulate: int) -> None:
    made = trainer(accumulate=accumulate)
    for size in (1, 2, 5, 11):
        one_update(made, *[batch(size, size)] * accumulate, first=size, rate=0.01 * size)
    assert made.model.traces == 1  # type: ignore[attr-defined]


class Numbered(Regression):
    """A problem whose gradient shows the seed of the dropout masks, and whose carry counts the batches."""

    def batch_loss(self, batch: Any, carry: Any, *, dropout_seed: tf.Tensor | None) -> tuple[LossSum, Any]:
        assert dropout_seed is not None
        total = tf.reduce_sum(self.bias.value * tf.cast(dropout_seed[0] * 100 + dropout_seed[1], tf.float32))
        return LossSum(total, total, tf.constant(4.0)), carry + 1


@pytest.mark.parametrize(
    ("accumulate", "shards", "numbers"), [(1, 1, [13]), (2, 1, [13, 14]), (1, 2, [26, 27]), (2, 2, [26, 27, 28, 29])]
)
def test_batch_number_seed_and_carry_reach_the_model(accumulate: int, shards: int, numbers: list[int]) -> None:
    made = trainer(model=Numbered, accumulate=accumulate, shards=shards)
    result, carry = made.update([batch(4, 1)] * accumulate, np.array([5, 6, 7, 8]), 13, 1e-3)
    assert carry.numpy().tolist() == [n + accumulate for n in (5, 6, 7, 8)]
    parts = accumulate * shards
    assert result.weight == 4.0 * parts
    expected = sum(made.config.seed * 100 + n for n in numbers) / (4.0 * parts)
    assert result.norm == pytest.approx(expected * np.sqrt(OUTPUTS), rel=1e-5)


@pytest.mark.parametrize("rows", [1, 2, ROWS])
def test_a_batch_in_shards_is_one_update_on_all_its_rows(rows: int) -> None:
    whole, parted = trainer(), trainer(shards=3)
    expected, at_once = change(whole, batch(rows, 1))
    found, summed = change(parted, batch(rows, 1))
    assert_close(found, expected)
    np.testing.assert_allclose(summed[:4], at_once[:4], rtol=1e-4)


@pytest.mark.parametrize(("rows", "parts", "sizes"), [(7, 3, [2, 2, 3]), (1, 2, [0, 1]), (4, 1, [4]), (0, 2, [0, 0])])
def test_rows_are_divided_evenly_and_in_order(rows: int, parts: int, sizes: list[int]) -> None:
    tree = (tf.range(rows), {"b": tf.ones([rows, 3])})
    shared = split_rows(tree, parts)
    assert [int(tf.shape(part[0])[0]) for part in shared] == sizes
    assert [part[1]["b"].shape[0] for part in shared] == sizes
    assert np.concatenate([part[0].numpy() for part in shared]).tolist() == list(range(rows))
    assert split_rows((), parts) == [()] * parts


@pytest.mark.parametrize(("optimizer", "accumulate"), [("adam", 1), ("nadam", 2)])
def test_compiled_with_xla_an_update_is_the_same(optimizer: str, accumulate: int) -> None:
    plain, compiled = (
        trainer(optimizer=optimizer, accumulate=accumulate, clip_norm=1.0, jit_compile=jit) for jit in (False, True)
    )
    for step, rows in enumerate((ROWS, 2, ROWS)):
        data = [batch(rows, 10 * step + n) for n in range(accumulate)]
        expected, found = one_update(plain, *data), one_update(compiled, *data)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert compiled.model.traces == 1  # type: ignore[attr-defined]  # XLA compiles each shape, nothing is traced again
    for name, value in values(compiled).items():
        np.testing.assert_allclose(value, values(plain)[name], rtol=1e-4, atol=1e-6, err_msg=name)
