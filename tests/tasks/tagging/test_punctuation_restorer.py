"""The restorer in use: words are kept, a result depends only on its text, long texts are read in windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq_tf import forks
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.tagging.casing import LABELS, MIXED
from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer, forms_file, load_forms, windows
from seq2seq_tf.tasks.tagging.task import prepare
from seq2seq_tf.training.run_dir import RunDir
from tests import labelled_runs

TEXTS = [
    "ka kiki ku lu ba ra",
    "",
    " - ",
    "  (ba  de)\t- ku lu? ",
    "Ka KU kiki, Äbc",
    "ka ba ku kiki de lu " * 17,
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run after a little training."""
    folder = tmp_path_factory.mktemp("text")
    labelled_runs.write_cased(folder / "train.txt", seed=3, lines=301)
    labelled_runs.write_cased(folder / "valid.txt", seed=5, lines=23)
    assert labelled_runs.train(
        folder / "run", labelled_runs.tagging_config(folder, train__max_epochs=9), prepare
    ).finished
    return folder / "run"


@pytest.fixture(scope="module")
def restorer(run: Path) -> PunctuationRestorer:
    return PunctuationRestorer.load(str(run))


@given(counts=st.lists(st.integers(1, 9), max_size=60), most=st.integers(1, 30))
@example(counts=[1] * 8 + [5], most=5)  # the words shared leave no room for a new one
@example(counts=[1] * 16 + [9] * 3, most=16)
@settings(max_examples=200, deadline=None)
def test_windows_label_each_word_once_and_keep_to_their_limit(counts: list[int], most: int) -> None:
    found = list(windows(3, counts, most))
    assert [n for w in found for n in range(w.first, w.last)] == list(range(len(counts)))
    for w in found:
        assert w.start <= w.first < w.last <= w.end
        assert sum(counts[w.start : w.end]) <= most or w.end == w.start + 1
    for one, other in zip(found, found[1:], strict=False):
        shared = one.end - other.start
        assert 0 <= shared <= (one.end - one.start) // 4
        assert one.last == other.first


def test_words_are_kept_and_only_case_and_marks_change(restorer: PunctuationRestorer) -> None:
    for text, made in zip(TEXTS, restorer.restore(TEXTS), strict=True):
        given_words, words = text.split(), made.split()
        assert len(words) == len(given_words) or not any(map(str.isalnum, text))
        for before, after in zip(given_words, words, strict=True):
            assert after.lower().startswith(before.lower())
            assert after[len(before) :] in ("", *",.?:;!")
    assert restorer.restore(["", " - "]) == ["", " - "]
    assert restorer.restore([]) == []


def test_a_text_is_restored_the_same_alone_and_among_others(restorer: PunctuationRestorer) -> None:
    assert restorer.restore(TEXTS) == [restorer.restore([text])[0] for text in TEXTS]


def test_case_has_been_learnt_and_mixed_forms_come_from_the_training_text(restorer: PunctuationRestorer) -> None:
    assert restorer.forms.mixed == {"kiki": "kiKi"}
    made = restorer.restore(["ka de kiki ku ba lu"])[0]
    assert made.startswith("Ka")
    assert "kiKi" in made
    assert "KU" in made


def test_only_words_with_a_known_form_get_mixed_case(restorer: PunctuationRestorer) -> None:
    sure = np.where([label in MIXED for label in LABELS], 0.0, -9.0)
    (labels,) = restorer.labels([["kiki", "ka"]], [np.stack([sure, sure])])
    assert labels[0] in MIXED
    assert labels[1] not in MIXED


def test_each_word_of_a_text_with_many_windows_has_probabilities(restorer: PunctuationRestorer) -> None:
    words = ["ka", "ba", "ku", "kiki", "de", "lu"] * 17
    (found,) = restorer.log_probs([words])
    assert found.shape == (len(words), len(LABELS))
    np.testing.assert_allclose(np.exp(found).sum(1), 1.0, rtol=1e-5)


def test_calls_of_any_shape_share_one_trace(restorer: PunctuationRestorer) -> None:
    restorer.restore(TEXTS)
    restorer.restore(["ka"])
    assert restorer._log_probs.experimental_get_tracing_count() == 1


def test_mistakes_are_named(restorer: PunctuationRestorer, run: Path, toy_run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="list of texts"):
        restorer.restore("ka")
    with pytest.raises(InputError, match="item 2 must be a str, got bytes"):
        restorer.restore(["ka", b"ka"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="translation"):
        PunctuationRestorer.load(str(toy_run))
    damaged = RunDir(str(tmp_path))
    Path(forms_file(damaged)).write_text('{"mixed": ')
    with pytest.raises(InputError, match=r"words\.json: not the word forms of a tagging run"):
        load_forms(damaged)


def test_it_reports_its_weights_and_refuses_to_work_after_a_fork(
    restorer: PunctuationRestorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert restorer.weights.final
    assert str(restorer.weights).startswith("final weights, ")
    monkeypatch.setattr(forks, "_computing", {-1})
    with pytest.raises(InputError, match="spawn"):
        restorer.restore(["ba"])


def test_the_repr_of_a_restorer_describes_it(restorer: PunctuationRestorer, run: Path) -> None:
    assert repr(restorer).startswith(f"<PunctuationRestorer of '{run}' ({restorer.weights.label}): ")
    assert repr(restorer).endswith(" parameters>")
