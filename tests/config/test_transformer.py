"""Options that do not apply to the chosen networks, and sizes that do not fit, are refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.translation.config import TranslationConfig
from tests.refusals import assert_refused

ENCODER, DECODER = {"model.encoder": "transformer"}, {"model.decoder": "transformer"}
BOTH = {**ENCODER, **DECODER}


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"model.positions": "rotary"}, ["model.positions=rotary", "does not apply", "model.encoder=recurrent"]),
        ({"model.transformer_heads": 8}, ["model.transformer_heads=8 does not apply"]),
        ({**BOTH, "model.cell": "gru"}, ["model.cell=gru does not apply", "model.decoder=transformer; omit it"]),
        ({**BOTH, "model.bridge": "mean"}, ["model.bridge=mean does not apply to model.decoder=transformer"]),
        ({**DECODER, "model.attention": "none"}, ["model.attention=none does not apply to model.decoder=transformer"]),
        ({**BOTH, "model.bidirectional": False}, ["model.bidirectional=false does not apply to model.encoder"]),
        (ENCODER, ["model.bridge=final needs model.encoder=recurrent", "model.bridge=mean or zero"]),
        ({**ENCODER, "model.bridge": "zero", "model.attention": "none"}, ["model.attention=none needs", "bridge=mean"]),
        (
            {**ENCODER, "model.bridge": "mean", "model.attention": "dot"},
            ["model.decoder_units=512", "256 (model.encoder_units=256)"],
        ),
        ({**BOTH, "model.transformer_heads": 3}, ["model.transformer_heads=3 must divide model.encoder_units=256"]),
        ({**DECODER, "model.decoder_units": 510}, ["must divide model.decoder_units=510"]),
        (
            {**DECODER, "model.positions": "rotary", "model.decoder_units": 20},
            ["model.positions=rotary needs an even number of units per head, got 5 (model.decoder_units=20"],
        ),
        (
            {**DECODER, "model.transformer_heads": 5, "model.decoder_units": 25},
            ["model.positions=sinusoidal needs an even number of units, got model.decoder_units=25"],
        ),
        ({**BOTH, "train.gradient_curves": 7}, ["train.gradient_curves must be 0", "Transformer"]),
        ({"model.encoder": "lstm"}, ["model.encoder must be one of recurrent, transformer"]),
    ],
    ids=str,
)
def test_options_that_do_not_apply_or_fit_are_refused(overrides: dict[str, Any], parts: list[str]) -> None:
    assert_refused(overrides, parts, TranslationConfig)


@pytest.mark.parametrize(
    ("overrides", "network"),
    [
        ({}, "lstm, attention bahdanau"),
        (BOTH, "transformer"),
        ({**BOTH, "train.jit_compile": True, "model.cudnn": False, "model.positions": "rotary"}, "transformer"),
        ({**ENCODER, "model.bridge": "mean", "model.cell": "gru"}, "transformer encoder, gru, attention bahdanau"),
        ({**DECODER, "model.bidirectional": False, "model.residual": False}, "lstm encoder, transformer decoder"),
    ],
    ids=str,
)
def test_every_combination_is_accepted_and_named(overrides: dict[str, Any], network: str) -> None:
    assert load(None, overrides, TranslationConfig).config.model.network == network


@pytest.mark.parametrize(
    ("overrides", "size"),
    [({}, 3 * 7), ({**ENCODER, "model.bridge": "mean"}, 4 * 3 * 3), (DECODER, 4 * 7 * 7), (BOTH, 4 * 7 * 7)],
    ids=str,
)
def test_the_attention_scores_of_a_pair_are_those_of_the_largest_array(overrides: dict[str, Any], size: int) -> None:
    model = load(None, overrides, TranslationConfig).config.model
    assert model.attention_scores(3, 7) == size
