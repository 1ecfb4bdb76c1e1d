"""Contradictory options of a translator are refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq_tf.tasks.translation.config import TranslationConfig
from tests.refusals import assert_refused

KIND = TranslationConfig


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"data.joint_vocab": False}, ["model.tie=all", "data.joint_vocab"]),
        ({"model.output_units": 7}, ["model.output_units", "model.embedding_units", "7"]),
        ({"search.n_best": 3, "search.beam_size": 2}, ["search.n_best=3", "search.beam_size=2"]),
        ({"model.attention": "none", "model.bridge": "zero"}, ["model.attention=none", "model.bridge=final"]),
        (
            {"model.attention": "dot", "model.decoder_units": 11, "model.encoder_units": 7},
            ["model.attention=dot", "model.decoder_units=11", "14 (2 x model.encoder_units=7)", "attention=general"],
        ),
        ({"model.attention": "dot", "model.bidirectional": False}, ["256 (1 x model.encoder_units=256)"]),
        ({"model.attention": "general", "model.attention_heads": 2}, ["model.attention_heads=2", "got general"]),
        ({"model.attention_heads": 3}, ["model.attention_heads=3 must divide model.attention_units=256"]),
        (
            {"model.attention_heads": 8, "model.encoder_units": 7},
            ["model.attention_heads=8 must divide", "14 (2 x model.encoder_units=7)"],
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused(overrides: dict[str, Any], parts: list[str]) -> None:
    assert_refused(overrides, parts, TranslationConfig)
