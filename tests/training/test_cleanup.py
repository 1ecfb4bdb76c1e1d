"""A finished run frees the space that only training needed, and can still be used."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.training.cleanup import free
from seq2seq_tf.training.run_dir import RunDir


@pytest.fixture
def run(toy_run: Path, tmp_path: Path) -> RunDir:
    return RunDir(str(shutil.copytree(toy_run, tmp_path / "run")))


def names(run: RunDir) -> set[str]:
    return {path.name for path in Path(run.path).iterdir()}


def test_everything_is_kept_by_default(run: RunDir) -> None:
    before = names(run)
    assert free(run, TranslationConfig().train.keep) == ""
    assert names(run) == before


def test_a_run_with_only_its_final_weights_translates_with_a_shortlist_too(run: RunDir, translator: Translator) -> None:
    said = free(run, "final")
    assert said.startswith("freed ")
    assert said.endswith("prepared data, checkpoints and best weights (train.keep=final)")
    assert not names(run) & {"data", "checkpoints", "best"}
    assert free(run, "final") == ""
    assert free(run, "resume") == ""
    freed = Translator.load(run.path)
    searches: list[dict[str, Any]] = [{"beam_size": 2}, {"beam_size": 2, "shortlist": 3}]
    for options in searches:
        assert freed.translate("ba de gi", **options).text == translator.translate("ba de gi", **options).text
    config = run.load_config(TranslationConfig)
    assert run.has_ended(config)
    later = dataclasses.replace(config, train=dataclasses.replace(config.train, max_epochs=99))
    with pytest.raises(InputError, match="the last checkpoint of this finished run is gone"):
        run.create(later)


def test_for_a_later_end_the_newest_checkpoint_the_best_weights_and_the_data_are_kept(run: RunDir) -> None:
    before = {folder: sorted(Path(folder).iterdir()) for folder in (run.data, run.best, run.checkpoints)}
    assert len(before[run.checkpoints]) == 2
    assert "older checkpoints" in free(run, "resume")
    assert sorted(Path(run.checkpoints).iterdir()) == before[run.checkpoints][-1:]
    for folder in (run.data, run.best):
        assert sorted(Path(folder).iterdir()) == before[folder]
    assert free(run, "resume") == ""


def test_what_is_kept_may_be_chosen_when_the_run_is_finished(run: RunDir) -> None:
    config = run.load_config(TranslationConfig)
    chosen = dataclasses.replace(config, train=dataclasses.replace(config.train, keep="final"))
    said: list[str] = []
    assert run.create(chosen, said.append) == chosen
    assert said == ["changed when resuming: train.keep=final (was all)"]


def test_cleanup_that_was_cut_short_is_finished_the_next_time(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(folder: str) -> None:
        raise KeyboardInterrupt(folder)

    monkeypatch.setattr(shutil, "rmtree", cut_short)
    with pytest.raises(KeyboardInterrupt):
        free(run, "final")
    monkeypatch.undo()
    assert not Path(run.prepared).exists()
    assert run.has_ended(run.load_config(TranslationConfig))
    assert free(run, "final")
    assert not names(run) & {"data", "checkpoints", "best"}
