"""Real training of a tiny model: an interrupted run equals an uninterrupted one, and a run ends as it should."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError, TrainingError
from seq2seq_tf.structures import LossSum
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.task import prepare
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Outcome, Session
from tests import toy
from tests.toy import StopAfter

TIMES = {"tokens_per_second", "elapsed_seconds"}  # two equal runs may differ in these

SIMPLE: dict[str, Any] = {"train__max_epochs": 3}
RICH: dict[str, Any] = {
    "data__segmentations": 2,
    "data__piece_model": "unigram",
    "model__variational": True,
    "model__word_dropout": 0.1,
    "train__accumulate": 2,
    "train__batch_tokens": 30,
    "train__max_epochs": 3,
    "train__optimizer": "nadam",
    "train__schedule": "plateau",
    "train__shards": 2,
    "train__validate_every": 4,
}


def never() -> bool:
    return False


def train(folder: Path, config: TranslationConfig, stop: Callable[[], bool] = never) -> Outcome:
    """Trains with new objects, as a new process would."""
    run = RunDir(str(folder))
    config = run.create(config)
    return Session(run, config, prepare(run, config, lambda _: None), stop).run()


def metrics(folder: Path) -> list[dict[str, Any]]:
    """Returns the lines of metrics.jsonl without times."""
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def updates(lines: list[dict[str, Any]], kind: str) -> list[int]:
    """Returns the updates of the lines that have an entry of this kind."""
    return [line["update"] for line in lines if kind in line and "final" not in line]


def steps(folder: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("step_")) for path in folder.iterdir())


def assert_same_run(found: Path, expected: Path) -> None:
    """Compares weights bit for bit, and all that was measured on the way."""
    arrays, state = checkpoint.load_arrays(str(found / "model.npz"))
    wanted, wanted_state = checkpoint.load_arrays(str(expected / "model.npz"))
    assert state == wanted_state
    assert set(arrays) == set(wanted)
    for name, array in arrays.items():
        assert array.tobytes() == wanted[name].tobytes(), name
    assert metrics(found) == metrics(expected)
    for folder in "best", "checkpoints":
        assert steps(found / folder) == steps(expected / folder)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> toy.ToyCorpus:
    return toy.make_corpus(tmp_path_factory.mktemp("corpus"), seed=3)


@pytest.fixture(scope="module")
def simple(corpus: toy.ToyCorpus) -> TranslationConfig:
    return toy.tiny_config(corpus, **SIMPLE)


@pytest.fixture(scope="module")
def whole(simple: TranslationConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run that was never interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    outcome = train(folder, simple)
    assert outcome.finished
    assert outcome.update == metrics(folder)[-1]["update"]
    return folder


def test_a_run_writes_each_update_and_each_epoch_once(whole: Path) -> None:
    lines = metrics(whole)
    total = lines[-1]["update"]
    assert total >= 9
    assert updates(lines, "loss") == list(range(1, total + 1))
    validations = updates(lines, "valid_loss")
    assert len(validations) == 3
    assert validations[-1] == total
    assert lines[-1]["final"]
    for line in lines:
        assert all(np.isfinite(value) for value in line.values() if isinstance(value, float))


def test_only_the_latest_checkpoints_and_the_best_weights_stay(whole: Path) -> None:
    lines = metrics(whole)
    ranked = sorted((line["valid_loss"], line["update"]) for line in lines if "best" in line)
    assert steps(whole / "best") == sorted(update for _, update in ranked[:2])
    assert len(steps(whole / "checkpoints")) == 2
    assert steps(whole / "checkpoints")[-1] == lines[-1]["update"]


def test_the_final_weights_are_the_best_or_their_average_whichever_scores_higher(whole: Path) -> None:
    final, state = checkpoint.load_arrays(str(whole / "model.npz"))
    best = [checkpoint.load_arrays(str(path)) for path in sorted((whole / "best").iterdir())]
    best.sort(key=lambda loaded: -loaded[1]["score"])
    if state["weights"].startswith("average"):
        averages = (np.mean([arrays[name] for arrays, _ in best], 0, dtype=np.float32) for name in final)
        expected: dict[str, Any] = dict(zip(final, averages, strict=True))
        assert state["score"] > best[0][1]["score"]
    else:
        expected = best[0][0]
        assert state["score"] == best[0][1]["score"]
    for name, array in final.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    assert state["score"] == -metrics(whole)[-1]["valid_loss"]


@pytest.mark.kernels
def test_a_resumed_run_equals_an_uninterrupted_one(
    simple: TranslationConfig, whole: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    total = metrics(whole)[-1]["update"]
    after_epoch = updates(metrics(whole), "valid_loss")[0]
    stops = [after_epoch, int(rng.integers(after_epoch + 1, total))]
    done = 0
    for update in stops:
        outcome = train(tmp_path, simple, StopAfter(update - done))
        assert (outcome.finished, outcome.update) == (False, update), stops
        done = update
    assert train(tmp_path, simple).finished
    final = checkpoint.load_arrays(str(tmp_path / "model.npz"))[0]
    for name, array in checkpoint.load_arrays(str(whole / "model.npz"))[0].items():
        assert array.tobytes() == final[name].tobytes(), (stops, name)
    assert metrics(tmp_path) == metrics(whole), stops


@pytest.mark.kernels
@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one_with_every_option(
    corpus: toy.ToyCorpus, tmp_path: Path, rng: np.random.Generator
) -> None:
    config = toy.tiny_config(corpus, **RICH)
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    total = train(whole, config).update
    stop = int(rng.integers(2, total))
    assert not train(parted, config, StopAfter(stop)).finished
    assert train(parted, config).finished
    assert_same_run_but_checkpoints(parted, whole, stop)
    validations = updates(metrics(whole), "valid_loss")
    assert validations == sorted({*range(4, total + 1, 4), total})  # the updates after the last one count too
    assert len({path.name for path in (whole / "data").iterdir() if path.name.endswith(".ids")}) == 4


def assert_same_run_but_checkpoints(found: Path, expected: Path, stop: int) -> None:
    """A stop writes a checkpoint of its own; everything else is the same."""
    final, state = checkpoint.load_arrays(str(found / "model.npz"))
    wanted, wanted_state = checkpoint.load_arrays(str(expected / "model.npz"))
    assert state == wanted_state, stop
    for name, array in final.items():
        assert array.tobytes() == wanted[name].tobytes(), (stop, name)
    assert metrics(found) == metrics(expected), stop


@pytest.fixture
def broken_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the loss of batch n (from 0) NaN, until undone."""
    batch_loss = Translation.batch_loss

    def break_at(number: int) -> None:
        def broken(self: Translation, batch: Any, carry: Any, **options: Any) -> tuple[LossSum, Any]:
            loss, carry = batch_loss(self, batch, carry, **options)
            factor = tf.where(options["dropout_seed"][1] == number, float("nan"), 1.0)
            return loss._replace(total=loss.total * factor), carry

        monkeypatch.setattr(Translation, "batch_loss", broken)

    return break_at


def test_a_loss_that_is_not_a_number_ends_the_run_which_resumes_from_the_last_checkpoint(
    simple: TranslationConfig,
    whole: Path,
    tmp_path: Path,
    broken_at: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken_at(7)
    with pytest.raises(TrainingError) as caught:
        train(tmp_path, simple)
    message = str(caught.value)
    assert "\n" not in message
    kept = tmp_path / "checkpoints" / "step_00000006.npz"
    for part in ("update 8 ", "epoch 2", "batch 3", "training pairs ", "loss nan", str(kept)):
        assert part in message
    assert checkpoint.load_arrays(str(kept))[1]["position"]["update"] == 6
    assert not (tmp_path / "model.npz").exists()
    monkeypatch.undo()
    assert train(tmp_path, simple).finished
    assert_same_run(tmp_path, whole)


def test_a_run_that_died_before_its_first_checkpoint_or_validation_starts_again(
    corpus: toy.ToyCorpus, tmp_path: Path, broken_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = toy.tiny_config(corpus, train__checkpoint_every=1000, train__validate_every=1000, train__max_epochs=1)
    broken_at(3)
    with pytest.raises(TrainingError, match="update 4 .*last good checkpoint: none yet"):
        train(tmp_path, config)
    assert updates(metrics(tmp_path), "loss") == [1, 2, 3]
    monkeypatch.undo()
    total = train(tmp_path, config).update
    assert updates(metrics(tmp_path), "loss") == list(range(1, total + 1))
    assert updates(metrics(tmp_path), "valid_loss") == [total]
    assert (tmp_path / "model.npz").exists()


def test_a_run_that_does_not_improve_slows_down_and_stops_early(corpus: toy.ToyCorpus, tmp_path: Path) -> None:
    rate = 1e-30  # too small to change a weight
    config = toy.tiny_config(
        corpus,
        train__learning_rate=rate,
        train__max_epochs=9,
        train__patience=3,
        train__plateau_factor=0.25,
        train__plateau_patience=2,
        train__schedule="plateau",
        train__validate_every=3,
        train__warmup_updates=0,
    )
    outcome = train(tmp_path, config)
    lines = metrics(tmp_path)
    assert outcome.finished
    assert updates(lines, "valid_loss") == [3, 6, 9, 12]  # the first is the best, the next three are not better
    assert [line["update"] for line in lines if line.get("best")] == [3]
    rates = [line["learning_rate"] / rate for line in lines if "learning_rate" in line]
    assert rates == pytest.approx([1.0] * 9 + [0.25] * 3)


def test_another_configuration_is_refused_and_the_key_is_named(
    simple: TranslationConfig, whole: Path, corpus: toy.ToyCorpus
) -> None:
    for name, value in (("model__decoder_units", 17), ("train__seed", 2)):
        changed = toy.tiny_config(corpus, **{**SIMPLE, name: value})
        with pytest.raises(InputError) as caught:
            RunDir(str(whole)).create(changed)
        assert f"{name.replace('__', '.')}=" in str(caught.value)
        assert f"not {value}" in str(caught.value)
    assert RunDir(str(whole)).create(simple) == simple
    assert RunDir(str(whole)).finished


def test_a_damaged_checkpoint_is_named_and_left_alone(simple: TranslationConfig, whole: Path, tmp_path: Path) -> None:
    train_folder = tmp_path / "run"
    run = RunDir(str(train_folder))
    run.create(simple)
    content = (whole / "checkpoints" / f"step_{steps(whole / 'checkpoints')[0]:08d}.npz").read_bytes()
    damaged = train_folder / "checkpoints" / "step_00000003.npz"
    damaged.write_bytes(content[:-100])
    for name in simple.tokenizer_files:
        (train_folder / name).write_bytes((whole / name).read_bytes())
    with pytest.raises(InputError, match=r"step_00000003\.npz: damaged or truncated"):
        train(train_folder, simple)
    assert damaged.read_bytes() == content[:-100]
