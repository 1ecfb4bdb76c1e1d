"""Tagging as a task: exact resuming, reproducible batches, the scores of the API, mistakes named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import EOS_ID, PAD_ID
from seq2seq_tf.tasks.tagging.casing import LABELS, label_of, split_words
from seq2seq_tf.tasks.tagging.config import TaggingConfig
from seq2seq_tf.tasks.tagging.data import join_lines, read_words
from seq2seq_tf.tasks.tagging.metrics import case_and_mark_scores
from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer
from seq2seq_tf.tasks.tagging.task import TaggingTask, prepare
from seq2seq_tf.training.run_dir import RunDir
from tests import labelled_runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("text")
    labelled_runs.write_cased(made / "train.txt", seed=3, lines=67)
    labelled_runs.write_cased(made / "valid.txt", seed=5, lines=11)
    return made


def prepared(folder: Path, config: TaggingConfig) -> TaggingTask:
    run = RunDir(str(folder))
    return prepare(run, run.create(config), lambda _: None)


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(folder: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    config = labelled_runs.tagging_config(folder, train__accumulate=2, train__shards=2, train__validate_every=4)
    labelled_runs.assert_a_stop_changes_nothing(tmp_path, config, prepare, rng)


def test_batches_are_whole_paragraphs_with_a_label_for_each_word(folder: Path, tmp_path: Path) -> None:
    task = prepared(tmp_path / "run", labelled_runs.tagging_config(folder, data__max_pieces=500))
    plan = task.plan(2)
    batches = list(task.load(2, plan.batches))
    found: list[tuple[str, list[str]]] = []
    for batch in batches:
        for ids, labels in zip(batch.tokens, batch.labels, strict=True):
            real = ids[ids != PAD_ID]
            assert real[-1] == EOS_ID
            (text,) = task.restorer.tokenizer.decode([real[:-1].tolist()])
            found.append((text, [LABELS[n - 1] for n in labels if n]))
    assert all(len(text.split()) == len(labels) for text, labels in found)
    lines = [split_words(line) for line in (folder / "train.txt").read_text().splitlines()]
    words = sorted((word.core.lower(), label_of(word)) for line in lines for word in line)
    assert sorted(pair for text, labels in found for pair in zip(text.split(), labels, strict=True)) == words
    again = list(task.load(2, task.plan(2).batches[3:]))
    for mine, theirs in zip(batches[3:], again, strict=True):
        np.testing.assert_array_equal(mine.tokens, theirs.tokens)
        np.testing.assert_array_equal(mine.labels, theirs.labels)
    assert "training paragraphs" in task.describe(plan.batches[:1])


def test_validation_scores_are_those_of_the_restorer(folder: Path, tmp_path: Path) -> None:
    config = labelled_runs.tagging_config(folder)
    labelled_runs.train(tmp_path, config, prepare)
    final = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    restorer = PunctuationRestorer.load(str(tmp_path))
    paragraphs = join_lines(read_words(config.data.valid), max_lines=config.data.max_lines, seed=config.train.seed)
    truth, predicted = [], []
    for words in paragraphs:
        cores = [[word.core.lower() for word in words]]
        predicted += restorer.labels(cores, restorer.log_probs(cores))[0]
        truth += [label_of(word) for word in words]
    scores = case_and_mark_scores(truth, predicted)
    assert final["valid_case_f1"] == pytest.approx(scores.case.f1)
    assert final["valid_punctuation_f1"] == pytest.approx(scores.mark.f1)
    assert final["valid_f1"] == pytest.approx((scores.case.f1 + scores.mark.f1) / 2)


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ({"data__train": ""}, ["data.train and data.valid"]),
        ({"data__train": "missing.txt"}, ["missing.txt: no such file"]),
        ({"data__valid": "marks.txt"}, ["marks.txt: no words"]),
        ({"data__train": "broken.txt"}, ["broken.txt:2", "0xff"]),
        ({"data__vocab_size": 9000}, ["data.vocab_size=9000"]),
    ],
    ids=str,
)
def test_a_mistake_in_the_data_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: dict[str, Any], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marks.txt").write_bytes(b"- ... -\n")
    (tmp_path / "broken.txt").write_bytes(b"One two.\nthree \xff\n")
    with pytest.raises(InputError) as error:
        prepared(tmp_path / "run", labelled_runs.tagging_config(folder, **mistake))
    assert all(word in str(error.value) for word in words), error.value
    assert not (tmp_path / "run" / "data" / "prepared.json").exists()
