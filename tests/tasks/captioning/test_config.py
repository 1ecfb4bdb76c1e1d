"""Options of a captioner that contradict each other are refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from tests.refusals import assert_refused

KIND = CaptioningConfig


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"data.image_size": 42}, ["data.image_size=42", "multiple of 4", "model.halvings=2"]),
        ({"model.halvings": 5}, ["data.image_size=40", "multiple of 32"]),
        ({"search.n_best": 4}, ["search.n_best=4", "search.beam_size=3"]),
    ],
)
def test_values_that_contradict_each_other_are_refused(overrides: dict[str, Any], parts: list[str]) -> None:
    assert_refused(overrides, parts, CaptioningConfig)


def test_the_image_encoder_has_no_final_state_for_the_decoder() -> None:
    assert load(None, {}, CaptioningConfig).config.model.bridge == "mean"
    assert load(None, {}).config.model.bridge == "final"
    with pytest.raises(InputError, match="^--model.bridge: model.bridge must be one of mean, zero, got 'final'"):
        load(None, {"model.bridge": "final"}, CaptioningConfig)
    with pytest.raises(InputError, match="^model.attention=none needs model.bridge=mean"):
        load(None, {"model.bridge": "zero", "model.attention": "none"}, CaptioningConfig)
