"""Every kind of attention and bridge works end to end: training, search, scoring, export, inspection."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.tasks.captioning.captioner import Captioner
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.tasks.translation.export import export
from seq2seq_tf.tasks.translation.task import prepare
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.session import Session
from tests import every_task, toy
from tests.trained import Call, run_program

KINDS: dict[str, dict[str, Any]] = {  # the encoder's outputs have 14 units
    "dot": {"model__attention": "dot", "model__decoder_units": 14, "model__bridge": "final"},
    "general": {"model__attention": "general", "model__bridge": "zero", "model__cell": "gru"},
    "heads": {"model__attention_heads": 2, "model__attention_units": 6, "model__decoder_layers": 2},
    "bahdanau from the final state": {"model__bridge": "final"},
    "none": {"model__attention": "none"},
}


def train(run: RunDir, config: TranslationConfig) -> bool:
    config = run.create(config)
    with contextlib.redirect_stderr(io.StringIO()):  # the progress bar
        return Session(run, config, prepare(run, config, lambda _: None), lambda: False).run().finished


@pytest.mark.slow
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_a_translator_of_each_kind_works_from_training_to_export(options: dict[str, Any], tmp_path: Path) -> None:
    attention = options.get("model__attention", "bahdanau")
    corpus = toy.make_corpus(tmp_path / "corpus", seed=3, train=60)
    config = toy.tiny_config(corpus, search__min_ratio=1.0, **options)  # otherwise outputs would be empty
    run = RunDir(str(tmp_path / "run"))
    assert train(run, config)
    translator = Translator.load(run.path)
    texts = [" ".join(words) for words in toy.sentences(4, seed=5)]
    for beam in 1, 3:
        rows = translator.translate(texts, beam_size=beam, attention=True)
        for found, log_prob in zip(rows, translator.score(texts, [row.text for row in rows]), strict=True):
            assert found.pieces
            columns = 0 if attention == "none" else len(found.source_pieces) + 1
            assert found.attention.shape == (len(found.pieces) + 1, columns)
            np.testing.assert_allclose(found.attention.sum(-1), 1.0 if columns else 0.0, rtol=1e-5)
            (ids,) = translator.target.encode([found.text])
            if translator.target.pieces(ids) == found.pieces:  # a search may choose other pieces for a word
                np.testing.assert_allclose(found.log_prob, log_prob, rtol=1e-4)
    assert export(translator, str(tmp_path / "saved"), texts).largest_score_difference < 1e-3

    picture = tmp_path / "map.png"
    flags = ["attention", f"--model_dir={run.path}", f"--text={texts[0]}", f"--out={picture}"]
    ended = run_program(Call("inspect", flags))
    assert (ended.code, picture.exists()) == ((2, False) if attention == "none" else (0, True)), ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"model__attention": "dot", "model__decoder_units": 12},
        {"model__attention": "general", "model__bridge": "zero"},
        {"model__attention_heads": 3, "model__attention_units": 6},
        {"model__attention": "none"},
    ],
    ids=str,
)
def test_a_captioner_of_each_kind_describes_what_it_was_shown(options: dict[str, Any], tmp_path: Path) -> None:
    """The encoder's outputs have 12 units."""
    assert every_task.train(every_task.example("captioning", tmp_path, **options), tmp_path / "run").finished
    captioner = Captioner.load(str(tmp_path / "run"))
    image = np.random.default_rng(5).integers(0, 256, [40, 40]).astype(np.uint8)
    for beam in 1, 3:
        caption = captioner.describe(image, beam_size=beam, attention=True)
        if options.get("model__attention") == "none":
            assert not caption.attention.size
        else:
            assert caption.attention.shape == (len(caption.words) + 1, 10, 10)
            np.testing.assert_allclose(caption.attention.sum((1, 2)), 1.0, rtol=1e-4)
