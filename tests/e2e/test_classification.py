"""Made-up languages over the same letters are distinguished, and the configuration of the project trains."""

from pathlib import Path

import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.classification.classifier import Classifier
from seq2seq_tf.tasks.classification.config import ClassificationConfig
from seq2seq_tf.tasks.classification.task import prepare
from tests import labelled_runs
from tests.toy import ROOT

UNSEEN = 200


@pytest.mark.slow
def test_languages_are_recognised_by_the_order_of_letters_in_95_percent(tmp_path: Path, run_seed: int) -> None:
    folder = labelled_runs.write_languages(tmp_path, seed=run_seed, train=400, valid=50)
    config = labelled_runs.classification_config(
        folder,
        train__seed=run_seed,
        train__max_epochs=12,
        train__batch_tokens=700,
        train__pool_texts=300,
        train__warmup_updates=20,
        train__checkpoint_every=1000,
        data__snippets=0.2,
    )
    assert labelled_runs.train(tmp_path / "run", config, prepare).finished
    classifier = Classifier.load(str(tmp_path / "run"))
    right = 0
    for language in labelled_runs.STEPS:
        texts = labelled_runs.language_texts(language, UNSEEN, seed=run_seed + 1)
        right += sum(found[0].label == language for found in classifier.classify(texts))
    assert right >= 0.95 * 3 * UNSEEN, f"{right} of {3 * UNSEEN} right"


def test_the_configuration_of_the_project_trains_two_updates(tmp_path: Path) -> None:
    folder = labelled_runs.write_languages(tmp_path, seed=1)
    files = {f"data.{part}": str(folder / part) for part in ("train", "valid")}
    smaller = {**files, "train.batch_tokens": 60, "train.log_every": 1}  # as little as the texts provide
    config = load(ROOT / "configs" / "language_id.yaml", smaller, ClassificationConfig).config
    calls = iter((False, True))
    outcome = labelled_runs.train(tmp_path / "run", config, prepare, lambda: next(calls))
    assert (outcome.finished, outcome.update) == (False, 2)
