"""Language modelling as a task: which text is held out, exact resuming in the middle of a stream, validation."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig
from seq2seq_tf.tasks.language_model.streams import load_stream
from seq2seq_tf.tasks.language_model.task import LanguageModelTask, prepare, text_parts
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.text.text_files import held_out
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from tests import language_models
from tests.toy import StopAfter

TIMES = {"tokens_per_second", "elapsed_seconds"}
RICH: dict[str, Any] = {
    "data__tokenizer": "sentencepiece",
    "data__vocab_size": 290,
    "model__cell": "gru",
    "model__layers": 2,
    "model__layer_dropout": 0.2,
    "train__accumulate": 2,
    "train__bptt_steps": 5,
    "train__shards": 2,
    "train__validate_every": 7,
}
WINDOW: dict[str, Any] = {"model__cell": "window", "model__window": 3, "train__shards": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return language_models.write_folder(tmp_path_factory.mktemp("text"))


def prepared(folder: Path, config: LanguageModelConfig) -> LanguageModelTask:
    run = RunDir(str(folder))
    return prepare(run, run.create(config), lambda _: None)


def metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


@pytest.mark.parametrize("changes", [{}, RICH, WINDOW], ids=["simple", "rich", "window"])
def test_a_run_resumed_in_the_middle_of_a_stream_equals_an_uninterrupted_one(
    folder: Path, tmp_path: Path, changes: dict[str, Any], rng: np.random.Generator
) -> None:
    config = language_models.config(folder, **changes)
    total = language_models.train(tmp_path / "whole", config).update
    stops = sorted(int(n) for n in rng.choice(np.arange(1, total), 2, replace=False))
    done = 0
    for update in stops:
        outcome = language_models.train(tmp_path / "parted", config, StopAfter(update - done))
        assert (outcome.finished, outcome.update) == (False, update)
        done = update
    assert language_models.train(tmp_path / "parted", config).finished
    whole, parted = (checkpoint.load_arrays(str(tmp_path / name / "model.npz"))[0] for name in ("whole", "parted"))
    for name, array in whole.items():
        assert array.tobytes() == parted[name].tobytes(), (stops, name)
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "parted"), stops


def test_the_state_carries_over_within_an_epoch_and_is_zero_at_its_beginning(folder: Path, tmp_path: Path) -> None:
    config = language_models.config(folder, train__max_epochs=1, train__checkpoint_every=1)
    language_models.train(tmp_path, config, StopAfter(2))
    arrays, _ = checkpoint.load_arrays(str(tmp_path / "checkpoints" / "step_00000002.npz"))
    carried = [array for name, array in arrays.items() if name.startswith("carry/")]
    assert [c.shape for c in carried] == [(3, 13), (3, 13)]
    assert all(np.abs(c).min(1).max() > 0.0 for c in carried)
    task = prepared(tmp_path, config)
    assert all(not np.any(c) for c in tf.nest.flatten(task.first_carry()))


def test_epochs_read_the_same_text_from_different_places(folder: Path, tmp_path: Path) -> None:
    task = prepared(tmp_path, language_models.config(folder))
    plans = [task.plan(epoch).batches for epoch in (0, 1)]
    assert plans[0] == plans[1]
    first, again, second = (list(task.load(epoch, plans[0])) for epoch in (0, 0, 1))
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(first, second, strict=True))
    still = prepared(tmp_path / "still", language_models.config(folder, train__random_offset=False))
    assert [b.tolist() for b in still.load(0, plans[0])] == [b.tolist() for b in still.load(1, plans[0])]
    assert "tokens 1 to 7 of each of 3 rows" in task.describe(plans[0][:1])


def test_files_are_held_out_by_name_and_every_character_is_used(folder: Path, tmp_path: Path) -> None:
    config = language_models.config(folder)
    parts = text_parts(config.data)
    assert {name: part for part, files in parts.items() for name in files.names} == {
        path.relative_to(folder).as_posix(): held_out(path.relative_to(folder).as_posix(), 0.2, 0.2)
        for path in folder.rglob("*.txt")
    }
    said: list[str] = []
    run = RunDir(str(tmp_path))
    task = prepare(run, run.create(config), said.append)
    for part, stream in (("train", task.train), ("valid", task.valid)):
        texts = [Path(path).read_text(encoding="utf-8") for path in parts[part].paths()]
        assert stream.size[:3] == (len(texts), sum(map(len, texts)), sum(map(len, texts)) + len(texts))
        assert any(line.startswith(f"{part}: {len(texts):,} files") for line in said)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    again = prepared(tmp_path, config)
    np.testing.assert_array_equal(again.train.ids, task.train.ids)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_named_parts_are_used_whole(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "v").write_text("mo", encoding="utf-8")
    parts = text_parts(language_models.config(folder, data__valid=str(tmp_path / "v")).data)
    assert len(parts["train"].names) == 23
    assert parts["valid"].names == ("v",)
    assert parts["test"].names == ()
    parts = text_parts(language_models.config(folder, data__test=str(tmp_path / "v")).data)
    assert parts["test"].names == ("v",)
    assert len(parts["train"].names) + len(parts["valid"].names) == 23


def test_validation_is_the_mean_loss_of_rows_that_start_from_the_zero_state(folder: Path, tmp_path: Path) -> None:
    config = language_models.config(folder)
    task = prepared(tmp_path, config)
    found = task.validate()
    ids = load_stream(str(tmp_path / "data" / "valid")).ids
    rows = min(3, len(ids) // 7)
    length = len(ids) // rows
    total = 0.0
    for row in range(rows):
        own = np.take(ids, np.arange(row * length, (row + 1) * length + 1), mode="wrap").astype(np.int32)
        total += float(tf.reduce_sum(task.model.score(own[np.newaxis], task.model.initial_carry(1))[0]))
    assert found["loss"] == pytest.approx(total / (rows * length), rel=1e-5)
    bits = found["loss"] / math.log(2.0) * task.valid.size.symbols / task.valid.size.characters
    assert found["bits_per_character"] == pytest.approx(bits, rel=1e-6)
    assert task.pictures() == {}


def test_the_metric_may_be_bits_per_character(folder: Path, tmp_path: Path) -> None:
    config = language_models.config(folder, train__metric="bits_per_character", train__max_epochs=1)
    outcome = language_models.train(tmp_path, config)
    last = metrics(tmp_path)[-1]
    assert -outcome.best_score == pytest.approx(last["valid_bits_per_character"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data__train": ""}, "data.train must name"),
        ({"data__train": "FOLDER/none"}, "none: no such file or folder"),
        (
            {"data__train": "FOLDER/part_0/0.txt"},
            "0.txt: a single file cannot be divided; name held-out text in data.valid",
        ),
        ({"data__pattern": "*.py"}, "no files match"),
        ({"data__valid_share": 0.0}, "none of 23 files falls into valid"),
        ({"data__valid": "FOLDER/empty"}, "empty: the valid text is empty"),
        ({"train__batch_size": 20_000}, "fewer than train.batch_size=20000"),
        ({"data__tokenizer": "sentencepiece", "data__vocab_size": 9}, "data.vocab_size=9"),
    ],
)
def test_errors_name_their_cause(folder: Path, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    (tmp_path / "empty").write_text("", encoding="utf-8")
    for name, value in changes.items():
        if isinstance(value, str):
            own = tmp_path if "empty" in value else folder
            changes = {**changes, name: value.replace("FOLDER", str(own))}
    with pytest.raises(InputError) as caught:
        prepared(tmp_path / "run", language_models.config(folder, **changes))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "data" / "prepared.json").exists()


def test_an_invalid_utf8_byte_is_reported_with_file_and_line_and_can_be_corrected(tmp_path: Path) -> None:
    folder = language_models.write_folder(tmp_path / "text")
    config = language_models.config(folder)
    wrong = Path(text_parts(config.data)["valid"].paths()[0])
    sound = wrong.read_bytes()
    wrong.write_bytes(b"mo\n\xff\n")
    with pytest.raises(InputError, match=rf"{wrong.name}:2: invalid UTF-8"):
        prepared(tmp_path / "run", config)
    wrong.write_bytes(sound)
    assert prepared(tmp_path / "run", config).valid.size.unknown == 0


def test_a_run_of_another_task_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("task: translation\n", encoding="utf-8")
    with pytest.raises(InputError, match="a run of translation, made by seq2seq-train"):
        TextGenerator.load(str(tmp_path))
