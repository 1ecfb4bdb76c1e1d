"""The classifier in use: the labels of a text depend only on that text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf import forks
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.classification.classifier import Classifier
from seq2seq_tf.tasks.classification.task import prepare
from tests import labelled_runs

TEXTS = ["abcdefgh", "", "adgjbehk", "a", "  ", "ahdkgcjfbi" * 9, "über"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a run after a little training."""
    folder = labelled_runs.write_languages(tmp_path_factory.mktemp("languages"), seed=3, train=61)
    config = labelled_runs.classification_config(folder, data__max_tokens=41)
    assert labelled_runs.train(folder / "run", config, prepare).finished
    return folder / "run"


@pytest.fixture(scope="module")
def classifier(run: Path) -> Classifier:
    return Classifier.load(str(run))


def test_a_text_has_the_same_labels_alone_and_among_others(classifier: Classifier) -> None:
    together = classifier.classify(TEXTS, top=2)
    for text, found in zip(TEXTS, together, strict=True):
        (alone,) = classifier.classify([text], top=2)
        assert [p.label for p in alone] == [p.label for p in found]
        np.testing.assert_allclose([p.probability for p in alone], [p.probability for p in found], atol=1e-5)


def test_labels_come_best_first_and_probabilities_sum_to_one(classifier: Classifier) -> None:
    for found in classifier.classify([text for text in TEXTS if text.strip()], top=9):
        assert {p.label for p in found} == set(classifier.labels) == {"aa", "bb", "cc"}
        probabilities = [p.probability for p in found]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1.0, abs=1e-5)


def test_a_blank_text_has_no_label(classifier: Classifier) -> None:
    assert [bool(found) for found in classifier.classify(TEXTS)] == [bool(text.strip()) for text in TEXTS]
    assert classifier.classify(["\u200b\u00ad", "\x01", "\ufeff"]) == [[], [], []]
    assert classifier.classify([]) == []


def test_only_the_first_tokens_of_a_long_text_are_read(classifier: Classifier) -> None:
    text = "ahdkgcjfbi" * 9
    np.testing.assert_allclose(classifier.log_probs([text]), classifier.log_probs([text[:41] + "a" * 99]), atol=1e-6)


def test_calls_of_any_shape_share_one_trace(classifier: Classifier) -> None:
    classifier.classify(TEXTS)
    classifier.classify(["abc"])
    assert classifier._log_probs.experimental_get_tracing_count() == 1


def test_mistakes_are_named(classifier: Classifier, run: Path, toy_run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="list of texts"):
        classifier.classify("abc")
    wrong: tuple[Any, ...] = (0, 1.5, "2")
    for top in wrong:
        with pytest.raises(InputError, match="top must be a whole number of at least 1, got"):
            classifier.classify(["abc"], top=top)
    for classify in (classifier.classify, classifier.log_probs):
        with pytest.raises(InputError, match="item 2 must be a str, got NoneType"):
            classify(["abc", None])  # type: ignore[list-item]
    with pytest.raises(InputError, match="not a run folder"):
        Classifier.load(str(tmp_path))
    with pytest.raises(InputError, match="translation"):
        Classifier.load(str(toy_run))


def test_it_reports_its_weights_and_refuses_to_work_after_a_fork(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert classifier.weights.final
    assert str(classifier.weights).startswith("final weights, ")
    monkeypatch.setattr(forks, "_computing", {-1})
    with pytest.raises(InputError, match="spawn"):
        classifier.classify(["ba"])


def test_the_repr_of_a_classifier_describes_it(classifier: Classifier, run: Path) -> None:
    assert repr(classifier).startswith(f"<Classifier of '{run}' ({classifier.weights.label}): ")
    assert repr(classifier).endswith(" parameters>")
