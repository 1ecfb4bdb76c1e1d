"""A run that has begun accepts changes that affect no number, and a later end; extended, it is the longer run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import load
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.resuming import Begun, agree
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Outcome
from tests import every_task, language_models
from tests.config.test_renamed_options import as_before
from tests.every_task import Example, example
from tests.trained import Call, run_program

TRAINING = Begun("run/config.yaml", finished=False, last_state=False, sealed=False)
FINISHED = Begun("run/config.yaml", finished=True, last_state=True, sealed=True)
TIMES = {"tokens_per_second", "elapsed_seconds"}


def config_of(kind: type[TaskConfig], **values: Any) -> TaskConfig:
    decided = {"train.precision": "float32", "train.shards": 2}
    return load(None, {**decided, **{name.replace("__", "."): v for name, v in values.items()}}, kind).config


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (TranslationConfig, "train__log_every", 7),
        (TranslationConfig, "train__checkpoint_every", 7),
        (TranslationConfig, "train__keep_checkpoints", 7),
        (TranslationConfig, "train__gradient_curves", 7),
        (TranslationConfig, "train__patience", 7),
        (TranslationConfig, "search__beam_size", 3),
        (TranslationConfig, "search__shortlist", 20),
        (TranslationConfig, "data__test_source", "test.de"),
        (LanguageModelConfig, "sample__temperature", 0.5),
        (CaptioningConfig, "data__test_scenes", 7),
    ],
)
def test_an_option_that_changes_no_number_is_accepted_and_reported(
    kind: type[TaskConfig], name: str, value: Any
) -> None:
    said: list[str] = []
    wanted = config_of(kind, **{name: value})
    assert agree(config_of(kind), wanted, TRAINING, said.append) == wanted
    assert len(said) == 1
    assert f"{name.replace('__', '.')}={value}" in said[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train__seed", 7),
        ("train__metric", "loss"),
        ("train__average_best", 7),
        ("train__validate_every", 7),
        ("search__max_ratio", 3.0),  # validations are cut there too
        ("data__valid_source", "other.de"),
    ],
)
def test_an_option_that_changes_numbers_is_refused_with_both_values(name: str, value: Any) -> None:
    stored, wanted = config_of(TranslationConfig), config_of(TranslationConfig, train__log_every=7, **{name: value})
    with pytest.raises(InputError) as caught:
        agree(stored, wanted, TRAINING)
    section, option = name.split("__")
    assert f"{section}.{option}={getattr(getattr(stored, section), option)!r}, not {value!r}" in str(caught.value)


def test_a_finished_run_accepts_every_option_of_the_search() -> None:
    wanted = config_of(TranslationConfig, search__max_ratio=3.0, search__max_source_pieces=77)
    assert agree(config_of(TranslationConfig), wanted, FINISHED) == wanted


def test_a_held_out_text_that_is_known_by_its_checksum_may_have_moved() -> None:
    wanted = config_of(TranslationConfig, data__valid_source="moved.de", data__train_source="away.de")
    assert agree(config_of(TranslationConfig), wanted, TRAINING._replace(sealed=True)) == wanted


def test_max_minutes_may_change_until_it_has_chosen() -> None:
    """A folder whose minutes were too few for a single update must accept more."""
    stored, wanted = (
        config_of(TranslationConfig, train__max_minutes=0.1),
        config_of(TranslationConfig, train__max_minutes=7),
    )
    assert agree(stored, wanted, TRAINING._replace(trained=False)) == wanted
    with pytest.raises(InputError, match=r"train\.max_minutes=0\.1, not 7"):
        agree(stored, wanted, TRAINING)


def test_values_chosen_for_the_machine_stay() -> None:
    stored = config_of(TranslationConfig)
    assert agree(stored, load(None, {}, TranslationConfig).config, TRAINING) == stored


@pytest.mark.parametrize("schedule", ["constant", "inverse_sqrt", "plateau"])
@pytest.mark.parametrize("begun", [TRAINING, FINISHED])
def test_a_later_end_is_accepted_if_the_schedule_does_not_depend_on_the_end(schedule: str, begun: Begun) -> None:
    stored = config_of(TranslationConfig, train__schedule=schedule, train__max_updates=70)
    for changes in ({"train__max_epochs": 99}, {"train__max_updates": 99}, {"train__max_updates": 0}):
        wanted = config_of(TranslationConfig, **{"train__schedule": schedule, "train__max_updates": 70, **changes})
        assert agree(stored, wanted, begun) == wanted


def test_an_end_that_cannot_be_reached_exactly_is_refused_with_advice() -> None:
    cosine = config_of(TranslationConfig)
    with pytest.raises(InputError, match=r"cosine .*train\.max_epochs=20, so with 21 .*train\.init_from"):
        agree(cosine, config_of(TranslationConfig, train__max_epochs=21), FINISHED)
    with pytest.raises(InputError, match=r"train\.max_updates=0 can only be raised, not lowered to 9"):
        agree(cosine, config_of(TranslationConfig, train__max_updates=9), TRAINING)
    constant = config_of(TranslationConfig, train__schedule="constant")
    with pytest.raises(InputError, match=r"train\.max_epochs=20 can only be raised, not lowered to 19"):
        agree(constant, config_of(TranslationConfig, train__schedule="constant", train__max_epochs=19), TRAINING)
    later = config_of(TranslationConfig, train__schedule="constant", train__max_epochs=21)
    with pytest.raises(InputError, match=r"is gone.*train\.init_from"):
        agree(constant, later, FINISHED._replace(last_state=False))


@pytest.mark.parametrize(
    ("changes", "state", "ended"),
    [
        ({}, {}, True),
        ({"train__max_epochs": 4}, {}, False),
        ({"train__max_epochs": 4}, {"standing": {"since_best": 10}}, True),  # patience is exhausted
        ({"train__max_epochs": 4, "train__patience": 11}, {"standing": {"since_best": 10}}, False),
        ({"train__max_updates": 50}, {"position": {"update": 50, "epoch": 2, "batch": 3}, "epoch_batches": 9}, True),
        ({"train__max_updates": 51}, {"position": {"update": 50, "epoch": 2, "batch": 3}, "epoch_batches": 9}, False),
        ({}, {"position": {"update": 50, "epoch": 2, "batch": 9}, "epoch_batches": 9}, True),
        (
            {},
            {"position": {"update": 50, "epoch": 2, "batch": 9}},
            True,
        ),  # from a version that did not store epoch_batches
        ({}, {"position": {"update": 51, "epoch": 3, "batch": 1}}, False),  # it was continued, and stopped
    ],
)
def test_a_finished_run_has_ended_unless_updates_are_left(
    changes: dict[str, Any], state: dict[str, Any], ended: bool, tmp_path: Path
) -> None:
    run = RunDir(str(tmp_path))
    run.make()
    at_end = {"position": {"update": 50, "epoch": 3, "batch": 0}, "standing": {"since_best": 0}, **state}
    checkpoint.save_arrays(run.checkpoint_file(at_end["position"]["update"]), {}, at_end)
    config = config_of(TranslationConfig, **{"train__max_epochs": 3, **changes})
    assert not run.has_ended(config)  # no final weights
    checkpoint.save_arrays(run.final_model, {}, {"update": 50})
    assert run.has_ended(config) is ended


def train(folder: Path, found: Example, stop: Callable[[], bool] = lambda: False) -> Outcome:
    """Trains a run that has not ended yet."""
    run = RunDir(str(folder))
    assert not run.has_ended(found.config)
    return every_task.train(found, folder, stop)


def metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


_ENDS = {"train__schedule": "plateau", "train__validate_every": 4, "train__max_epochs": 2}
_CHUNKS = {"train__bptt_steps": 9}  # so that an epoch of the language model has more than four updates


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        ("language_model", _CHUNKS),
        pytest.param("translation", {"train__batch_tokens": 30}, marks=pytest.mark.slow),
        pytest.param("classification", {"train__batch_tokens": 40}, marks=pytest.mark.slow),
        pytest.param("tagging", {"train__batch_tokens": 40}, marks=pytest.mark.slow),
        pytest.param("captioning", {"train__batch_size": 5}, marks=pytest.mark.slow),
        pytest.param("forecasting", {"model__predicts": "step", "train__batch_size": 3}, marks=pytest.mark.slow),
        pytest.param("forecasting", {}, marks=pytest.mark.slow),
    ],
)
def test_a_run_with_later_ends_equals_the_longer_run_bit_for_bit(
    task: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    """The run ends within the first epoch, then at its end, is stopped within the second, then trains to the end."""

    def with_end(**end: Any) -> Example:
        return example(task, tmp_path / "data", **{**_ENDS, **changes, **end})

    longer, whole, parted = with_end(), tmp_path / "whole", tmp_path / "parted"
    total = train(whole, longer).update
    assert train(parted, with_end(train__max_epochs=1, train__max_updates=3)).update == 3
    assert metrics(parted)[-1]["update"] == 3
    epoch = train(parted, with_end(train__max_epochs=1)).update
    assert 4 < epoch < total
    first = (parted / "model.npz").read_bytes()
    asked = iter((False, True))
    assert not train(parted, longer, lambda: next(asked)).finished
    assert (parted / "model.npz").read_bytes() == first  # it can be used until the next one replaces it
    assert not RunDir(str(parted)).has_ended(longer.config)
    assert train(parted, longer).update == total
    assert RunDir(str(parted)).has_ended(longer.config)
    found, state = checkpoint.load_arrays(str(parted / "model.npz"))
    wanted, wanted_state = checkpoint.load_arrays(str(whole / "model.npz"))
    assert state == wanted_state
    assert {name: array.tobytes() for name, array in found.items()} == {n: a.tobytes() for n, a in wanted.items()}
    assert metrics(parted) == metrics(whole)
    stored = RunDir(str(parted)).load_config(type(longer.config))
    assert stored.train.max_epochs == 2
    assert stored.train.max_updates == 0


def test_a_run_is_resumed_from_its_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    asked = iter((False, False, False, False, True))
    found = example("language_model", tmp_path / "data", **{**_CHUNKS, "train__max_epochs": 2})
    assert not train(folder, found, lambda: next(asked)).finished
    ended = run_program(Call("lm", ["train", f"--model_dir={folder}", "--train.log_every=2"]))
    assert ended.code == 0, ended
    assert "changed when resuming: train.log_every=2 (was 1)" in ended.stdout
    assert f"resuming from {folder}/checkpoints/step_00000005.npz" in ended.stdout
    updates = [line["update"] for line in metrics(folder) if "loss" in line]
    assert updates[:7] == [1, 2, 3, 4, 5, 6, 8]
    assert RunDir(str(folder)).load_config(LanguageModelConfig).train.log_every == 2
    ended = run_program(Call("lm", ["train", f"--model_dir={folder}", "--sample.length=33"]))
    assert ended.code == 0
    assert RunDir(str(folder)).load_config(LanguageModelConfig).sample.length == 33
    assert "this run is finished" in ended.stdout


def test_a_run_made_before_the_new_names_resumes_and_samples(tmp_path: Path) -> None:
    text = language_models.write_folder(tmp_path / "text")
    folder = tmp_path / "run"
    options = {"train__schedule": "constant", "train__bptt_steps": 9, "data__tokenizer": "sentencepiece"}
    options |= {"data__vocab_size": 280, "train__max_epochs": 1}
    config = language_models.config(text, **options)
    first = language_models.train(folder, config)
    stored = RunDir(str(folder)).load_config(LanguageModelConfig)
    Path(RunDir(str(folder)).config_file).write_text(as_before(stored))
    later = language_models.config(text, **{**options, "train__max_epochs": 2})
    second = language_models.train(folder, later)
    assert second.finished
    assert second.update == 2 * first.update
    assert isinstance(TextGenerator.load(str(folder)).sample("ma")[0], str)
    with pytest.raises(InputError, match=r"started with train.bptt_steps=9, not 8"):
        language_models.train(folder, language_models.config(text, **{**options, "train__bptt_steps": 8}))
