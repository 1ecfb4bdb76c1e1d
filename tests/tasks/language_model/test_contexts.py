"""Each target is scored after exactly the last k tokens, by every kind of model, and on the same targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import ContextSizes
from seq2seq_tf.structures import BOS_ID
from seq2seq_tf.tasks.language_model import contexts
from seq2seq_tf.tasks.language_model.contexts import find_targets, measure
from seq2seq_tf.tasks.language_model.kneser_ney import KneserNey
from seq2seq_tf.tasks.language_model.streams import load_stream
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.text.running_text import text_ids
from tests import language_models

TEXTS = ["ma mo gin\nk mo", "", "lo\u00e9 mo ma mo \u00fct gin k\n"]
SIZES = ContextSizes((1, 2, 5), 11, 3)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TextGenerator]:
    """Returns a window of two tokens and a GRU."""
    folder = tmp_path_factory.mktemp("contexts")
    data = language_models.write_folder(folder / "text")
    for cell in ("window", "gru"):
        settings = language_models.config(data, train__max_epochs=1, model__cell=cell, model__window=2)
        language_models.train(folder / cell, settings)
    return {str(folder / cell): TextGenerator.load(str(folder / cell)) for cell in ("window", "gru")}


def files_of(run: TextGenerator) -> list[list[int]]:
    return [[BOS_ID, *text_ids(run.tokenizer, text), BOS_ID] for text in TEXTS]


def test_targets_have_enough_tokens_of_their_file_before_them() -> None:
    files = [[2, 4, 5, 6, 2], [2, 2], [2, 7, 8, 9, 7, 8, 2]]
    found = find_targets(files, 3, 100)
    assert found.places.tolist() == [3, 4, 10, 11, 12, 13]
    (rows,) = found.windows(3)
    assert rows[2].tolist() == [2, 7, 8, 9]
    assert find_targets(files, 3, 3).places.tolist() == [3, 10, 13]
    values = [np.arange(1.0, len(file)) for file in files]
    assert found.chosen(values).tolist() == [3.0, 4.0, 3.0, 4.0, 5.0, 6.0]
    with pytest.raises(InputError, match="more than 7 tokens; give shorter --lengths"):
        find_targets(files, 7, 3)


def test_values_are_those_of_single_steps_from_the_zero_state(
    runs: dict[str, TextGenerator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contexts, "_ROWS", 4)  # several batches even here
    found = measure(runs, TEXTS, SIZES)
    assert [curve.label for curve in found.curves] == ["n-grams", "window", "gru"]
    for curve, run in zip(found.curves[1:], runs.values(), strict=True):
        files = files_of(run)
        targets = find_targets(files, 5, 11)
        bits = found.tokens / found.characters / np.log(2.0)
        for length in SIZES.lengths:
            nats = []
            for place in targets.places:
                state, step = run.model.initial_carry(1), run.model.step_fn()
                for token in targets.stream[place - length : place]:
                    logits, state = step(tf.constant([token]), state, ())
                nats.append(-float(tf.nn.log_softmax(logits)[0, targets.stream[place]]))
            assert curve.values[length] == pytest.approx(np.mean(nats) * bits, rel=1e-4)
            assert curve.errors[length] == pytest.approx(np.std(nats) / np.sqrt(len(nats)) * bits, rel=1e-3)


def test_a_window_reads_nothing_beyond_its_tokens_and_a_recurrent_network_does(runs: dict[str, TextGenerator]) -> None:
    _, window, gru = measure(runs, TEXTS, SIZES).curves
    assert window.reach == 2
    assert window.values[2] == pytest.approx(window.values[5], rel=1e-6)
    assert window.values[2] == pytest.approx(window.whole, rel=1e-6)
    assert gru.reach is None
    assert len({round(value, 4) for value in (*gru.values.values(), gru.whole or 0.0)}) == 4


def test_all_tokens_together_give_the_score_of_the_text(runs: dict[str, TextGenerator]) -> None:
    sizes = ContextSizes((1,), 1000, 0)  # every token is a target
    for folder, run in runs.items():
        (curve,) = measure({folder: run}, TEXTS, sizes).curves
        scores = run.score(TEXTS)
        nats = sum(score.nats for score in scores)
        characters = sum(score.characters for score in scores)
        assert curve.whole == pytest.approx(nats / characters / np.log(2.0), rel=1e-5)


def test_ngrams_are_counted_on_the_training_text(runs: dict[str, TextGenerator]) -> None:
    folder, run = next(iter(runs.items()))
    counted = measure(runs, TEXTS, SIZES).curves[0]
    model = KneserNey(load_stream(f"{folder}/data/train").ids, run.tokenizer.vocab_size, 3)
    files = files_of(run)
    targets = find_targets(files, 5, 11)
    nats = targets.chosen([model.nats(np.array(file)) for file in files])
    bits = sum(len(file) - 1 for file in files) / sum(map(len, TEXTS)) / np.log(2.0)
    assert counted.values == pytest.approx({k: nats[k].mean() * bits for k in (1, 2)})
    assert (counted.parameters, counted.updates, counted.whole) == (model.ngrams, None, None)


def test_runs_that_cannot_be_compared_are_refused_and_differences_are_warned_of(
    runs: dict[str, TextGenerator], language_run: Path, tmp_path: Path
) -> None:
    folder, run = next(iter(runs.items()))
    other = language_models.config(
        language_models.write_folder(tmp_path / "t"), data__vocab_size=9, train__max_epochs=1
    )
    language_models.train(tmp_path / "other", other)
    with pytest.raises(InputError, match="other: reads the text as other tokens than .*window; they cannot"):
        measure({folder: run, str(tmp_path / "other"): TextGenerator.load(str(tmp_path / "other"))}, TEXTS, SIZES)
    with pytest.raises(InputError, match="the text is empty"):
        measure(runs, ["", ""], SIZES)
    with pytest.raises(InputError, match="--ngrams=1 is shorter than each of --lengths"):
        measure(runs, TEXTS, ContextSizes((2, 3), 11, 1))
    with pytest.warns(UserWarning, match="the runs have different training texts"):
        measure({folder: run, str(language_run): TextGenerator.load(str(language_run))}, TEXTS, SIZES)
    (Path(folder) / "data" / "prepared.json").rename(tmp_path / "kept")
    try:
        with pytest.raises(InputError, match="no longer exists, so n-grams cannot be counted; give --ngrams=0"):
            measure(runs, TEXTS, SIZES)
    finally:
        (tmp_path / "kept").rename(Path(folder) / "data" / "prepared.json")
