"""A recording is in the order of the text and leaves the cells unchanged."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.inspection.cell_traces import (
    CellTrace,
    record_states,
    unit_names,
    unit_values,
)
from seq2seq_tf.tasks.language_model.recording import RecordableLanguageModel
from tests.language_models import model_config

V = 13

pytestmark = pytest.mark.usefixtures("seed")


def test_after_recording_the_cells_are_as_they_were() -> None:
    recorded = RecordableLanguageModel(model_config(), V)
    with pytest.raises(RuntimeError, match="on the way"), record_states(recorded.cells):
        raise RuntimeError("on the way")
    for named in recorded.cells:
        assert "step" not in vars(named.cell)


def test_values_of_a_backward_cell_are_in_the_order_of_the_text() -> None:
    steps = [tf.constant([[float(t), 0.0]]) for t in range(3)]
    trace = CellTrace("encoder/layer_0/backward", True, {"h": steps, "c": [-step for step in steps]}, {})
    assert unit_names(trace) == [f"encoder/layer_0/backward/{part}/{u}" for part in "hc" for u in (0, 1)]
    np.testing.assert_array_equal(unit_values(trace)[:, 0, 0], [2.0, 1.0, 0.0])
    np.testing.assert_array_equal(unit_values(trace)[:, 0, 2], [-2.0, -1.0, 0.0])
    np.testing.assert_array_equal(unit_values(trace._replace(reverse=False))[:, 0, 0], [0.0, 1.0, 2.0])
