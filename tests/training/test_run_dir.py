"""A run folder belongs to one configuration, and keeps what a resumed run needs."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.config.loading import load, with_values
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir

GIVEN = {"train.seed": 7, "train.precision": "float32", "train.shards": 2}
CONFIG: TranslationConfig = load(None, GIVEN).config
OTHER: TranslationConfig = load(None, {"train.seed": 8, "train.precision": "float32", "train.shards": 2}).config


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    made = RunDir(str(tmp_path / "run"))
    made.create(CONFIG)
    return made


def begin(run: RunDir) -> None:
    """Writes the files that preparing the training data leaves."""
    Path(run.source_model).write_text("pieces")
    Path(run.target_model).write_text("pieces")
    write_text(run.prepared, "[]")


def test_the_configuration_is_stored_and_read_back(run: RunDir) -> None:
    assert run.load_config(TranslationConfig) == CONFIG
    begin(run)
    assert run.create(CONFIG) == CONFIG


def test_values_for_the_machine_are_chosen_once(tmp_path: Path) -> None:
    run = RunDir(str(tmp_path))
    decided = run.create(TranslationConfig())
    assert decided.train.precision in ("bfloat16", "float32")
    assert decided.train.shards >= 1
    begin(run)
    assert run.create(TranslationConfig()) == decided
    others: dict[str, set[Any]] = {
        "precision": {"float32", "bfloat16"} - {decided.train.precision},
        "shards": {decided.train.shards + 1},
    }
    for name, values in others.items():
        changed = dataclasses.replace(decided.train, **{name: values.pop()})
        with pytest.raises(InputError, match=f"train.{name}="):
            run.create(dataclasses.replace(decided, train=changed))


def test_another_configuration_is_refused_once_the_run_has_begun(run: RunDir) -> None:
    begin(run)
    with pytest.raises(InputError, match=r"config\.yaml: .*train\.seed=7, not 8; use another --model_dir"):
        run.create(OTHER)
    assert run.load_config(TranslationConfig) == CONFIG
    assert Path(run.source_model).exists()


def test_a_failed_attempt_does_not_bind_the_folder(run: RunDir) -> None:
    Path(run.source_model).write_text("pieces of another vocabulary")
    assert run.create(CONFIG) == CONFIG
    assert Path(run.source_model).exists()
    assert run.create(OTHER) == OTHER
    assert run.load_config(TranslationConfig) == OTHER
    assert not Path(run.source_model).exists()


def test_weights_bind_the_folder_even_without_training_data(run: RunDir) -> None:
    begin(run)
    Path(run.prepared).unlink()
    checkpoint.save_arrays(run.final_model, {}, {})
    with pytest.raises(InputError, match="train.seed"):
        run.create(OTHER)
    assert Path(run.source_model).exists()


@pytest.mark.parametrize("attention", ["bahdanau", "none"])
def test_a_run_older_than_an_option_continues_unchanged(attention: str, tmp_path: Path) -> None:
    """The bridge was the mean, whatever its default is today."""
    run = RunDir(str(tmp_path / "run"))
    text = run.create(with_values(CONFIG, {"model.attention": attention, "model.bridge": "mean"}))
    begin(run)
    lines = Path(run.config_file).read_text().splitlines(True)
    Path(run.config_file).write_text("".join(line for line in lines if "bridge" not in line))
    assert run.load_config(TranslationConfig) == text
    same: TranslationConfig = load(
        None, {**GIVEN, "model.attention": attention}
    ).config  # the same options, which leave the bridge out
    assert run.create(same) == text
    if attention != "none":
        with pytest.raises(InputError, match="model.bridge='mean', not 'zero'"):
            run.create(load(None, {**GIVEN, "model.bridge": "zero"}).config)


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/run: cannot create the run folder"):
        RunDir(str(tmp_path / "file" / "run")).create(CONFIG)
    with pytest.raises(InputError, match="not a run folder"):
        RunDir(str(tmp_path / "none")).load_config(TranslationConfig)


def test_the_newest_checkpoints_stay_and_half_written_ones_go(run: RunDir) -> None:
    for update in (3, 20, 100):
        checkpoint.save_arrays(run.checkpoint_file(update), {}, {})
    Path(run.checkpoint_file(120) + ".tmp").write_text("half")
    assert run.latest_checkpoint() == run.checkpoint_file(100)
    run.rotate(2)
    left = sorted(path.name for path in Path(run.checkpoints).iterdir())
    assert left == ["step_00000020.npz", "step_00000100.npz"]


def test_the_weights_to_use_are_the_final_the_best_or_the_latest(run: RunDir) -> None:
    with pytest.raises(InputError, match="no weights yet"):
        run.weights_file()
    checkpoint.save_arrays(run.checkpoint_file(5), {}, {})
    assert run.weights_file() == run.checkpoint_file(5)
    for update, score in ((1, -3.0), (2, -1.0), (3, -2.0)):
        checkpoint.save_arrays(run.best_file(update), {"a": np.zeros(1)}, {"score": score})
    assert run.weights_file() == run.best_file(2)
    run.keep_best([1, 3])
    assert run.weights_file() == run.best_file(3)
    damaged: list[str] = []
    Path(run.best_file(3)).write_bytes(b"PK")
    assert run.weights_file(damaged.append) == run.best_file(1)
    assert damaged == [run.best_file(3)]
    Path(run.best_file(1)).write_bytes(b"PK")
    assert run.weights_file() == run.checkpoint_file(5)
    assert not run.finished
    checkpoint.save_arrays(run.final_model, {}, {})
    assert run.finished
    assert run.weights_file() == run.final_model
