"""Training with float16 products: gradients are as with float32, and an overflow costs one update and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.config.common import TrainConfig
from seq2seq_tf.data.batching import make_batch
from seq2seq_tf.errors import TrainingError
from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.structures import LossSum
from seq2seq_tf.tasks.translation.config import TranslationTrainConfig
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.task import TranslationTask, prepare
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.loss_scale import MAX_SCALE, MIN_SCALE, LossScale
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Outcome, Session
from seq2seq_tf.training.trainer import Trainer
from tests import oracles, toy
from tests.toy import StopAfter

VOCAB, RATE = 29, 1.0


def after(scale: LossScale, *updates: bool) -> float:
    for finite in updates:
        scale.update(tf.constant(finite))
    return float(scale.state()["scale"])


def test_overflow_halves_and_many_good_updates_double() -> None:
    scale = LossScale(TrainConfig(loss_scale=64.0, loss_scale_growth=3))
    assert after(scale, True, True) == 64.0
    assert after(scale, True) == 128.0
    assert after(scale, True, True, False) == 64.0  # the count of good updates starts again
    assert after(scale, True, True) == 64.0
    assert after(scale, True) == 128.0
    assert after(scale, False, False, False) == 16.0


def test_the_scale_stays_within_its_bounds() -> None:
    scale = LossScale(TrainConfig(loss_scale=2.0, loss_scale_growth=1))
    assert bool(scale.update(tf.constant(False)))
    assert not bool(scale.update(tf.constant(False)))  # no smaller one is left
    assert after(scale) == MIN_SCALE
    assert after(scale, *[True] * 30) == MAX_SCALE


def test_scaling_and_unscaling_gives_the_gradient_of_the_sum() -> None:
    scale, x = LossScale(TrainConfig(loss_scale=1024.0)), tf.constant([2.0, -3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(x**2)
        objective = scale.scaled(total, tf.constant(7.0))
    assert float(objective) == pytest.approx(13.0 / 7.0 * 1024.0)
    found = scale.unscaled([tape.gradient(objective, x)], tf.constant(7.0))
    np.testing.assert_allclose(found[0], [4.0, -6.0], rtol=1e-6)


class Linear:
    """A model whose only gradients are those of a product, as large as the batch says; each row is one token."""

    def __init__(self, precision: str) -> None:
        self.precision = precision
        start = np.random.default_rng(5).normal(size=(3, 2))
        self.kernel = keras.Variable(start, dtype="float32", name="kernel")
        self.trainable_variables = [self.kernel]

    def batch_loss(self, batch: Any, carry: Any, *, dropout_seed: tf.Tensor | None) -> tuple[LossSum, Any]:
        inputs, size = batch
        hidden = tf.tanh(product(inputs, cast(self.kernel, self.precision)))
        total = tf.reduce_sum(hidden * size[:, tf.newaxis])
        return LossSum(total, total, tf.cast(tf.shape(inputs)[0], tf.float32)), carry


SPEC = (tf.TensorSpec([None, 3]), tf.TensorSpec([None]))


def linear_trainer(precision: str, **changes: Any) -> Trainer:
    options = {"optimizer": "sgd", "clip_norm": 0.0, "shards": 1, "precision": precision, **changes}
    return Trainer(Linear(precision), TrainConfig(**options), SPEC)


def linear_batch(seed: int, size: float) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(seed).normal(size=(7, 3)).astype(np.float32), np.full(7, size, np.float32)


def weights(trainer: Trainer) -> np.ndarray:
    return np.concatenate([v.numpy().ravel() for v in trainer.model.trainable_variables])


def gradient(trainer: Trainer, *batches: Any) -> np.ndarray:
    before = weights(trainer).astype(np.float64)
    result, _ = trainer.update(batches, (), 0, RATE)
    assert result.finite
    return (before - weights(trainer)) / RATE


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    """float16 has 11 bits: a product is off by one part in 2,000, and there are several in a row."""
    assert np.linalg.norm(found - expected) < 5e-3 * np.linalg.norm(expected)


def test_gradients_of_the_translation_model_in_float16_are_close_to_float32() -> None:
    random = np.random.default_rng(5)
    sides = [[random.integers(4, VOCAB, random.integers(1, 8)) for _ in range(3)] for _ in range(2)]
    found = []
    for precision in "float32", "float16":
        model = Translation(oracles.small_config(), VOCAB, VOCAB, precision=precision)
        model.build()
        oracles.randomise(model, np.random.default_rng(5), 0.3)
        config = TranslationTrainConfig(optimizer="sgd", clip_norm=0.0, shards=1, precision=precision)
        found.append(gradient(Trainer(model, config, TranslationTask.batch_spec), make_batch(*sides)))
    assert_close(found[1], found[0])


@pytest.mark.parametrize("accumulate", [1, 3])
def test_accumulated_batches_of_different_size_are_scaled_alike(accumulate: int) -> None:
    batches = [linear_batch(n, 10.0**-n) for n in range(accumulate)]
    exact, rounded = (linear_trainer(precision, accumulate=accumulate) for precision in ("float32", "float16"))
    assert_close(gradient(rounded, *batches), gradient(exact, *batches))


def test_the_scale_keeps_gradients_that_float16_would_lose() -> None:
    batch = linear_batch(1, 1e-7)  # the gradients of a mean over 7 rows are below the smallest number of float16
    options = {"float32": {}, "float16": {"loss_scale": 2.0**15}}
    exact, scaled = (linear_trainer(p, **o).update([batch], (), 0, RATE)[0].norm for p, o in options.items())
    assert scaled == pytest.approx(exact, rel=5e-3)
    assert linear_trainer("float16", loss_scale=1.0).update([batch], (), 0, RATE)[0].norm < 0.5 * exact


@pytest.mark.parametrize("accumulate", [1, 2])
def test_an_overflow_changes_nothing_but_the_scale(accumulate: int) -> None:
    batches = [linear_batch(n, 1.0) for n in range(accumulate)]
    trainer = linear_trainer("float16", accumulate=accumulate, loss_scale=MAX_SCALE, optimizer="adam")
    before = {name: v.numpy() for name, v in trainer.variables().items()}
    result, _ = trainer.update(batches, (), 0, RATE)
    assert (result.finite, result.overflow) == (False, True)
    for name, variable in trainer.variables().items():
        expected = MAX_SCALE / 2 if name == "loss_scale/scale" else before[name]
        np.testing.assert_array_equal(variable.numpy(), expected, err_msg=name)
    while result.overflow:
        result, _ = trainer.update(batches, (), 0, 1e-30)
    exact = gradient(linear_trainer("float32", accumulate=accumulate), *batches)
    assert result.finite  # and nothing is left over from the overflows
    assert result.norm == pytest.approx(np.linalg.norm(exact), rel=5e-3)


def test_other_precisions_have_no_scale() -> None:
    for precision in "float32", "bfloat16":
        trainer = linear_trainer(precision)
        assert not any(name.startswith("loss_scale") for name in trainer.variables())
        assert not trainer.update([linear_batch(1, 1.0)], (), 0, RATE)[0].overflow


def train(folder: Path, corpus: toy.ToyCorpus, stop: Callable[[], bool]) -> Outcome:
    options = {"train__precision": "float16", "train__loss_scale": MAX_SCALE, "train__loss_scale_growth": 5}
    run = RunDir(str(folder))
    config = run.create(toy.tiny_config(corpus, train__max_epochs=3, **options))
    return Session(run, config, prepare(run, config, lambda _: None), stop).run()


@pytest.mark.slow
def test_a_float16_run_recovers_from_overflows_and_resumes_exactly(tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=3)
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    assert train(whole, corpus, lambda: False).finished
    for updates in (2, 7):  # while it overflows, and after it
        assert not train(parted, corpus, StopAfter(updates)).finished
    assert train(parted, corpus, lambda: False).finished
    for name in ("model.npz", *(f"checkpoints/{path.name}" for path in sorted((whole / "checkpoints").iterdir()))):
        expected, _ = checkpoint.load_arrays(str(whole / name))
        found, _ = checkpoint.load_arrays(str(parted / name))
        assert all(found[key].tobytes() == array.tobytes() for key, array in expected.items()), name
    assert 1.0 < float(expected["loss_scale/scale"]) < MAX_SCALE
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    logged = [line["update"] for line in lines if "gradient_norm" in line]
    assert 1 not in logged  # it overflowed
    assert len(logged) > 5
    assert all(np.isfinite(v) for line in lines for v in line.values() if isinstance(v, float))


def test_a_loss_that_is_not_a_number_at_any_scale_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_loss = Translation.batch_loss

    def broken(self: Translation, batch: Any, carry: Any, **options: Any) -> tuple[LossSum, Any]:
        loss, carry = batch_loss(self, batch, carry, **options)
        return loss._replace(total=loss.total * float("nan")), carry

    monkeypatch.setattr(Translation, "batch_loss", broken)
    corpus = toy.make_corpus(tmp_path / "corpus", seed=3, train=90)
    with pytest.raises(TrainingError, match="update 25 .*loss nan"):  # 2 ** 24 is halved 24 times
        train(tmp_path / "run", corpus, lambda: False)
