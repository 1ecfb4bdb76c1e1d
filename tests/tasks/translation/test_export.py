"""An export is kept only if a fresh process gives the results of the Python API; otherwise nothing is left behind."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.translation import export as export_module
from seq2seq_tf.tasks.translation.config import TranslationSearchConfig
from seq2seq_tf.tasks.translation.export import export
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator
from tests.toy import sentences
from tests.trained import Exported

LONG = "ka be du " * 23  # longer than the run's max_source_pieces
TEXTS = ["", *(" ".join(words) for words in sentences(11, seed=5, longest=9)), LONG, "  "]
WRONG = 7  # index of the text on which the two sides disagree

pytestmark = pytest.mark.filterwarnings("ignore:text .*cut from")


@pytest.fixture(scope="module")
def folder(exported: Exported) -> Path:
    assert exported.ended.code == 0, exported.ended.stderr
    return exported.folder


def test_the_piece_models_are_exported_with_the_ids_model(folder: Path, translator: Translator) -> None:
    for model, name in ((translator.source, "source.model"), (translator.target, "target.model")):
        assert (folder / "ids" / name).read_bytes() == Path(model.path).read_bytes()


def test_the_export_is_readable_for_a_server_and_nothing_else_is_left(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


# --- The comparison ---------------------------------------------------------------------------------------------------
# Saving takes seconds. Here the exporter gets the existing folder, and the recorded answer of a fresh process for it;
# everything else is real.


@pytest.fixture(scope="module")
def answer(folder: Path, translator: Translator) -> dict[str, list[Any]]:
    """The answer of the fresh process for TEXTS."""
    best = [row[0].text for row in translator.translate_all(TEXTS, translator.config.search)]
    request = {"texts": TEXTS, "targets": best, "n_best": 2, "batch": 64}
    return export_module._reload(str(folder), request)


def in_order_of(request: dict[str, Any], answer: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Returns the answer for the texts of a request, which are TEXTS in some order."""
    places = [TEXTS.index(text) for text in request["texts"]]
    return {name: [values[place] for place in places] for name, values in answer.items()}


@pytest.fixture
def out(folder: Path, answer: dict[str, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder to export to, with quick saving and reloading."""
    copy = lambda _, to: shutil.copytree(folder, to, dirs_exist_ok=True)  # noqa: E731
    monkeypatch.setattr(export_module, "_save", copy)
    monkeypatch.setattr(export_module, "_reload", lambda _, request: in_order_of(request, answer))
    return tmp_path / "out"


def test_an_export_that_agrees_is_kept_and_the_difference_reported(out: Path, translator: Translator) -> None:
    comparison = export(translator, str(out), TEXTS)
    assert comparison.sentences == len(TEXTS)
    assert 0.0 <= comparison.largest_score_difference < 1e-4
    assert (out / "text" / "saved_model.pb").exists()
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def assert_refused(translator: Translator, out: Path, *words: str) -> None:
    """Asserts that the exporter detects a difference and leaves nothing behind."""
    with pytest.raises(RuntimeError) as caught:
        export(translator, str(out), TEXTS)
    for word in words:
        assert word in str(caught.value)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"text": "ka"},
        {"score": -1.23},
        {"score": math.nan},
    ],
)
@pytest.mark.parametrize("rank", [0, 1])
def test_a_different_result_of_the_python_api_is_detected(
    out: Path, translator: Translator, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], rank: int
) -> None:
    right = translator.translate_all

    def wrong(texts: Any, search: TranslationSearchConfig, **options: Any) -> list[list[Hypothesis]]:
        rows = right(texts, search, **options)
        place = texts.index(TEXTS[WRONG])
        rows[place] = [h._replace(**change) if k == rank else h for k, h in enumerate(rows[place])]
        return rows

    monkeypatch.setattr(translator, "translate_all", wrong)
    assert_refused(translator, out, repr(TEXTS[WRONG]))


def change_text(answer: dict[str, list[Any]]) -> None:
    answer["translations"][WRONG][1] += " ka"


def change_empty(answer: dict[str, list[Any]]) -> None:
    answer["translations"][0][0] = "ka"


def change_score(answer: dict[str, list[Any]]) -> None:
    answer["scores"][WRONG][0] *= 1.002


def lose_score(answer: dict[str, list[Any]]) -> None:
    answer["scores"][WRONG][1] = math.nan


def lose_log_prob(answer: dict[str, list[Any]]) -> None:
    answer["log_probs"][WRONG] = math.nan


def change_ids_score(answer: dict[str, list[Any]]) -> None:
    answer["ids_scores"][WRONG] *= 1.002


def lose_ids_score(answer: dict[str, list[Any]]) -> None:
    answer["ids_scores"][WRONG] = math.nan


@pytest.mark.parametrize(
    "change", [change_text, change_empty, change_score, lose_score, lose_log_prob, change_ids_score, lose_ids_score]
)
def test_a_different_result_of_the_saved_model_is_detected(
    out: Path,
    answer: dict[str, list[Any]],
    translator: Translator,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, list[Any]]], None],
) -> None:
    wrong = json.loads(json.dumps(answer))  # a deep copy
    change(wrong)
    monkeypatch.setattr(export_module, "_reload", lambda _, request: in_order_of(request, wrong))
    assert_refused(translator, out, "differs")


def test_weights_that_were_not_saved_are_detected(out: Path, translator: Translator) -> None:
    """The comparison is not vacuous: it detects a bias that is larger by a hundredth."""
    bias = translator.model.vocabulary_bias
    saved = bias.numpy()
    try:
        bias.assign(saved + 0.01 * (np.arange(len(saved)) == EOS_ID))
        assert_refused(translator, out, "differs")
    finally:
        bias.assign(saved)


def test_a_saved_model_that_cannot_be_loaded_is_detected(
    out: Path, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the real _reload
    monkeypatch.setattr(export_module, "_save", lambda _, to: (Path(to) / "text").mkdir())
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert_refused(translator, out, "cannot be loaded in a fresh process")


def test_a_truncated_sentence_is_compared_too(out: Path, translator: Translator) -> None:
    assert len(translator.source.encode([LONG])[0]) > translator.config.search.max_source_pieces
    assert export(translator, str(out), TEXTS).sentences == len(TEXTS)


# --- Where to write ---------------------------------------------------------------------------------------------------


def test_an_existing_place_is_refused_and_left_alone(out: Path, translator: Translator) -> None:
    out.mkdir()
    (out / "mine").write_text("untouched")
    for place in (out, out / "mine"):
        with pytest.raises(InputError, match="already exists"):
            export(translator, str(place), TEXTS)
    assert [path.name for path in out.iterdir()] == ["mine"]
    assert (out / "mine").read_text() == "untouched"


def test_a_place_that_cannot_be_written_is_refused(out: Path, translator: Translator) -> None:
    out.write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        export(translator, str(out / "below"), TEXTS)


def test_leftovers_of_killed_exports_are_removed_and_other_folders_stay(out: Path, translator: Translator) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = socket.gethostname()
    stale = out.parent / f".export-{here}-{ended.pid}-abc"
    kept = [
        out.parent / name
        for name in (f".export-{here}-{os.getpid()}-abc", f".export-far-{ended.pid}-abc", ".export-mine")
    ]
    for folder in (stale, *kept):
        folder.mkdir()
    export(translator, str(out), TEXTS)
    assert sorted(out.parent.iterdir()) == sorted([out, *kept])


def test_without_tensorflow_text_one_line_says_what_to_do(
    out: Path, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    with pytest.raises(InputError, match="for Windows: export on Linux"):
        export(translator, str(out), TEXTS)
    assert list(out.parent.iterdir()) == []


def test_an_export_without_sentences_to_compare_is_refused(out: Path, translator: Translator) -> None:
    with pytest.raises(InputError, match="no sentence"):
        export(translator, str(out), [])
    assert not out.exists()
