"""Case and punctuation that follow from made-up words are restored, and the configuration of the project trains."""

from pathlib import Path

import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.tagging.casing import bare, label_of, split_words
from seq2seq_tf.tasks.tagging.config import TaggingConfig
from seq2seq_tf.tasks.tagging.metrics import case_and_mark_scores
from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer
from seq2seq_tf.tasks.tagging.task import prepare
from tests import labelled_runs
from tests.toy import ROOT


def write(folder: Path, *, seed: int, train: int, valid: int) -> None:
    labelled_runs.write_cased(folder / "train.txt", seed=seed, lines=train)
    labelled_runs.write_cased(folder / "valid.txt", seed=seed + 1, lines=valid)


@pytest.mark.slow
def test_case_and_marks_are_restored_with_an_f1_of_95_percent(tmp_path: Path, run_seed: int) -> None:
    write(tmp_path, seed=run_seed, train=1500, valid=50)
    config = labelled_runs.tagging_config(
        tmp_path,
        model__encoder_units=31,
        train__seed=run_seed,
        train__max_epochs=12,
        train__batch_tokens=700,
        train__pool_paragraphs=300,
        train__warmup_updates=20,
        train__checkpoint_every=1000,
    )
    assert labelled_runs.train(tmp_path / "run", config, prepare).finished
    lines = labelled_runs.write_cased(tmp_path / "unseen.txt", seed=run_seed + 2, lines=200).read_text().splitlines()
    texts = [" ".join(lines[n : n + 3]) for n in range(0, len(lines), 3)]
    made = PunctuationRestorer.load(str(tmp_path / "run")).restore([bare(split_words(text)) for text in texts])
    truth, found = ([label_of(word) for text in side for word in split_words(text)] for side in (texts, made))
    scores = case_and_mark_scores(truth, found)
    assert scores.case.f1 >= 0.95, scores.case
    assert scores.mark.f1 >= 0.95, scores.mark


def test_the_configuration_of_the_project_trains_two_updates(tmp_path: Path) -> None:
    write(tmp_path, seed=1, train=301, valid=7)
    files = {f"data.{part}": str(tmp_path / f"{part}.txt") for part in ("train", "valid")}
    smaller = {
        **files,
        "data.vocab_size": 320,
        "train.batch_tokens": 60,
        "train.log_every": 1,
    }  # as little as the text provides
    config = load(ROOT / "configs" / "restore_case.yaml", smaller, TaggingConfig).config
    calls = iter((False, True))
    outcome = labelled_runs.train(tmp_path / "run", config, prepare, lambda: next(calls))
    assert (outcome.finished, outcome.update) == (False, 2)
