"""Options of a language model that contradict each other are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seq2seq_tf.errors import InputError
from tests import language_models


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__tie": True}, "model.units equal to model.embedding_units, got 13 and 5"),
        ({"model__tie": True, "model__output_units": 7}, "model.output_units equal to model.embedding_units"),
        ({"data__lowercase": True}, "data.lowercase needs data.tokenizer=sentencepiece"),
        (
            {"model__cell": "window", "model__layer_norm": True},
            "model.layer_norm needs a recurrent cell, got",
        ),
        ({"model__cell": "window", "train__gradient_curves": 3}, "train.gradient_curves needs a recurrent cell, got"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        language_models.config(Path("x"), **changes)


def test_a_batch_too_large_for_any_memory_is_refused() -> None:
    with pytest.raises(InputError, match=r"train.batch_size=65536 times train.bptt_steps=65536 is 4,294,967,296"):
        language_models.config(Path("x"), train__batch_size=65536, train__bptt_steps=65536)
