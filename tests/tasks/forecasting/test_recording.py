"""Gradients are measured on the network that was trained, on excerpts spread over the series."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.cell_traces import copy_weights, record_states
from seq2seq_tf.inspection.gradients import gradient_flow
from seq2seq_tf.tasks.forecasting.recording import reference_copy, series_batch
from seq2seq_tf.tasks.forecasting.windows import Series
from tests.series_runs import make_model, model_config

pytestmark = pytest.mark.usefixtures("seed")


def draw(rng: np.random.Generator, rows: int = 41) -> Series:
    return Series(rng.normal(3.0, 1.0, [rows, 2]), np.zeros([rows, 0], np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("predicts", ["horizon", "step"])
def test_a_copy_has_the_loss_of_the_model_and_records_every_step(predicts: str, rng: np.random.Generator) -> None:
    model = make_model(rng, predicts=predicts, layers=2, difference=1)
    batch = series_batch(draw(rng), model.config, 3, 7)
    twin = reference_copy(model)
    copy_weights(model, twin.model)
    with record_states(twin.cells) as traces:
        loss = twin.loss(batch, twin.start(batch))
    start = model.initial_carry(3) if predicts == "step" else ()
    np.testing.assert_allclose(loss.total, model.batch_loss(batch, start, dropout_seed=None)[0].total, rtol=1e-4)
    assert [len(trace.states["h"]) for trace in traces] == [7, 7]
    assert twin.lengths(batch, "layer_1").tolist() == [7, 7, 7]
    assert twin.describe(batch) == "3 excerpts of 7 steps"
    flow = gradient_flow(twin, batch, directions=2, seed=1)
    assert all(np.isfinite(curve.loss).all() and curve.loss[-1] > 0 for curve in flow.curves)


def test_excerpts_reach_from_the_first_row_to_the_last(rng: np.random.Generator) -> None:
    series, config = draw(rng), model_config(difference=2)
    batch = series_batch(series, config, 3, 7)
    np.testing.assert_array_equal(batch.values[0], series.values[:12])
    np.testing.assert_array_equal(batch.values[-1], series.values[-12:])
    assert series_batch(series, config, 3, 1000).calendar.shape == (3, 41 - 2 - 3, 0)
    with pytest.raises(InputError, match="too short"):
        series_batch(draw(rng, 5), config, 3, 7)


def test_a_batch_can_be_repeated_for_each_direction(rng: np.random.Generator) -> None:
    batch = series_batch(draw(rng), model_config(), 2, 5)
    repeated = tf.nest.map_structure(lambda x: np.repeat(x, 3, 0), batch)
    assert repeated.values.shape == (6, 8, 2)
