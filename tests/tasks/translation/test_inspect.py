"""Texts without a map are left out or refused; tests/cli/test_inspect_*.py inspect whole runs."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.hypotheses import Hypothesis
from seq2seq_tf.tasks.translation.inspect import with_pieces


def test_texts_without_pieces_are_left_out_and_none_or_one_without_a_map_is_an_error() -> None:
    empty = Hypothesis("", 0.0, 0.0, [], [], np.zeros((0, 0), np.float32))
    mapped = empty._replace(source_pieces=["▁a"], attention=np.ones((1, 2), np.float32))
    kept = with_pieces(["\u200b", "a"], [empty, mapped])
    assert (kept.texts, kept.found) == (["a"], [mapped])
    assert kept.notes == ["1 text left out: nothing to read"]
    with pytest.raises(InputError, match="nothing to read"):
        with_pieces(["\u200b"], [empty])
    with pytest.raises(InputError, match="text 2: too long for one map"):
        with_pieces(["a", "b"], [mapped, mapped._replace(attention=empty.attention)])
