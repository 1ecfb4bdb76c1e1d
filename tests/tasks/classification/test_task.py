"""Classification as a task: exact resuming, reproducible batches, the scores of the API, mistakes named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import EOS_ID, PAD_ID
from seq2seq_tf.tasks.classification.classifier import Classifier
from seq2seq_tf.tasks.classification.config import ClassificationConfig
from seq2seq_tf.tasks.classification.task import ClassificationTask, prepare
from seq2seq_tf.training.run_dir import RunDir
from tests import labelled_runs

RICH: dict[str, Any] = {
    "data__tokenizer": "sentencepiece",
    "data__vocab_size": 40,
    "data__lowercase": True,
    "model__cell": "gru",
    "model__pooling": "final",
    "model__encoder_layers": 2,
    "train__accumulate": 2,
    "train__shards": 2,
    "train__validate_every": 4,
    "train__metric": "loss",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labelled_runs.write_languages(tmp_path_factory.mktemp("languages"), seed=3)


def prepared(folder: Path, config: ClassificationConfig) -> ClassificationTask:
    run = RunDir(str(folder))
    return prepare(run, run.create(config), lambda _: None)


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(folder: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    config = labelled_runs.classification_config(folder, **RICH)
    labelled_runs.assert_a_stop_changes_nothing(tmp_path, config, prepare, rng)


def test_batches_are_a_pure_function_of_the_epoch_and_contain_parts_of_texts(folder: Path, tmp_path: Path) -> None:
    task = prepared(tmp_path / "run", labelled_runs.classification_config(folder))
    plan = task.plan(2)
    batches = list(task.load(2, plan.batches))
    texts = [
        text for label in task.classifier.labels for text in (folder / "train" / f"{label}.txt").read_text().split()
    ]
    shorter = 0
    for chosen, batch in zip(plan.batches, batches, strict=True):
        for n, row, label in zip(chosen, batch.tokens, batch.labels, strict=True):
            ids = row[row != PAD_ID]
            (found,) = task.classifier.tokenizer.decode([ids[:-1]])
            assert ids[-1] == EOS_ID
            assert found in texts[n]
            assert texts[n] in labelled_runs.language_texts(task.classifier.labels[label], 28, seed=3)
            shorter += found != texts[n]
    assert sorted(np.concatenate(plan.batches).tolist()) == list(range(69))
    assert 13 < shorter < 56
    again = list(task.load(2, task.plan(2).batches[3:]))
    for mine, theirs in zip(batches[3:], again, strict=True):
        np.testing.assert_array_equal(mine.tokens, theirs.tokens)
    assert "training texts" in task.describe(plan.batches[:1])


def test_validation_scores_are_those_of_the_classifier(folder: Path, tmp_path: Path) -> None:
    config = labelled_runs.classification_config(folder, train__max_epochs=1)
    labelled_runs.train(tmp_path, config, prepare)
    final = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    classifier = Classifier.load(str(tmp_path))
    right, nll = [], []
    for label in classifier.labels:
        for text in (folder / "valid" / f"{label}.txt").read_text().split():
            (found,) = classifier.classify([text], top=3)
            right.append(found[0].label == label)
            nll += [-np.log(p.probability) for p in found if p.label == label]
    assert final["valid_accuracy"] == pytest.approx(np.mean(right))
    assert final["valid_loss"] == pytest.approx(np.mean(nll), rel=1e-4)


def test_a_prepared_run_does_not_read_the_training_texts_again(folder: Path, tmp_path: Path) -> None:
    copy = labelled_runs.write_languages(tmp_path / "data", seed=3)
    config = labelled_runs.classification_config(copy)
    first = prepared(tmp_path / "run", config)
    for path in (copy / "train").iterdir():
        path.unlink()
    again = prepared(tmp_path / "run", config)
    assert again.classifier.labels == first.classifier.labels == ("aa", "bb", "cc")
    np.testing.assert_array_equal(again.train.ids, first.train.ids)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ({"data__train": ""}, ["data.train and data.valid"]),
        ({"data__train": "missing"}, ["missing: no such folder"]),
        ({"data__train": "one"}, ["only one label, 'aa'"]),
        ({"data__valid": "other"}, ["zz.txt", "'zz'", "aa, bb, cc"]),
        ({"data__train": "broken"}, ["aa.txt:2", "0xff"]),
        ({"data__tokenizer": "sentencepiece", "data__vocab_size": 9000}, ["data.vocab_size=9000"]),
    ],
    ids=str,
)
def test_a_mistake_in_the_data_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: dict[str, Any], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, files in {
        "one": {"aa": b"a\n"},
        "other": {"zz": b"z\n"},
        "broken": {"aa": b"a\n\xff\n", "bb": b"b\n", "cc": b"c\n"},
    }.items():
        (tmp_path / name).mkdir()
        for label, content in files.items():
            (tmp_path / name / f"{label}.txt").write_bytes(content)
    with pytest.raises(InputError) as error:
        prepared(tmp_path / "run", labelled_runs.classification_config(folder, **mistake))
    assert all(word in str(error.value) for word in words), error.value
    assert not (tmp_path / "run" / "data" / "prepared.json").exists()
