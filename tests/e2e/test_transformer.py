"""A Transformer on either side or on both works from training to export, and resumes exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.tasks.translation.export import export
from seq2seq_tf.tasks.translation.task import prepare
from seq2seq_tf.tasks.translation.translator import Translator
from tests import labelled_runs, toy
from tests.trained import Call, run_program

BLOCKS: dict[str, Any] = {"model__encoder_units": 12, "model__transformer_heads": 2, "model__feed_forward_units": 19}
ENCODER: dict[str, Any] = {"model__encoder": "transformer", "model__bridge": "mean", **BLOCKS}
DECODER: dict[str, Any] = {"model__decoder": "transformer", "model__decoder_units": 16, **BLOCKS}
TINY_DECODER = {"model__attention_units": 256}  # the default, as the option does not apply
COMBINATIONS: dict[str, dict[str, Any]] = {
    "Transformer encoder, LSTM decoder": {**ENCODER, "model__attention_heads": 3, "model__attention_units": 6},
    "GRU encoder, Transformer decoder": {**DECODER, **TINY_DECODER, "model__cell": "gru"},
    "Transformer": {
        **ENCODER,
        **DECODER,
        **TINY_DECODER,
        "model__bridge": "final",
        "model__positions": "rotary",
        "model__decoder_layers": 2,
    },
}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("options", COMBINATIONS.values(), ids=COMBINATIONS)
def test_every_combination_works_from_training_to_export_and_resumes_exactly(
    options: dict[str, Any], tmp_path: Path, rng: np.random.Generator
) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=3, train=60)
    config = toy.tiny_config(corpus, search__min_ratio=1.0, train__shards=2, **options)
    labelled_runs.assert_a_stop_changes_nothing(tmp_path, config, prepare, rng)
    run = tmp_path / "parted"
    translator = Translator.load(str(run))
    texts = [" ".join(words) for words in toy.sentences(4, seed=5)]
    searches: list[dict[str, Any]] = [{"beam_size": 1}, {"beam_size": 3}, {"beam_size": 3, "shortlist": 20}]
    for search in searches:
        rows = translator.translate(texts, attention=True, **search)
        for found, log_prob in zip(rows, translator.score(texts, [row.text for row in rows]), strict=True):
            assert found.pieces
            assert found.attention.shape == (len(found.pieces) + 1, len(found.source_pieces) + 1)
            np.testing.assert_allclose(found.attention.sum(-1), 1.0, rtol=1e-5)
            (ids,) = translator.target.encode([found.text])
            if translator.target.pieces(ids) == found.pieces and "shortlist" not in search:
                np.testing.assert_allclose(found.log_prob, log_prob, rtol=1e-4)
        for text, found in zip(texts, rows, strict=True):
            assert translator.translate(text, **search).pieces == found.pieces
    n_best: Any = translator.translate(texts, beam_size=3, n_best=3)
    assert all(len(row) == 3 and row[0].score >= row[1].score >= row[2].score for row in n_best)
    assert export(translator, str(tmp_path / "saved"), texts).largest_score_difference < 1e-3
    picture = tmp_path / "map.png"
    ended = run_program(Call("inspect", ["attention", f"--model_dir={run}", f"--text={texts[0]}", f"--out={picture}"]))
    assert (ended.code, picture.exists()) == (0, True), ended.stderr
