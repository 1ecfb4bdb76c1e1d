"""Weights in use are described in words; those of whole runs are loaded in test_crash_points.py and others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import IN_TRAINING, Weights, load_weights, model_variables, outline


class Model:
    """A model with two weights and no loss."""

    def __init__(self) -> None:
        self.kernel = keras.Variable(np.zeros([3, 5]), dtype="float32", name="kernel")
        self.trainable_variables = [self.kernel]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    made = RunDir(str(tmp_path))
    made.make()
    return made


def save(path: str, value: float, state: Any) -> None:
    model = Model()
    model.kernel.assign(np.full([3, 5], value))
    checkpoint.save(path, model_variables(model), state)  # type: ignore[arg-type]


def test_final_weights_win_over_the_best_and_the_best_over_the_latest(run: RunDir) -> None:
    model = Model()
    with pytest.raises(InputError, match="no weights"):
        load_weights(run, model)  # type: ignore[arg-type]
    found = []
    for path, state in (
        (f"{run.checkpoints}/step_00000007.npz", {"position": {"update": 7}, "planned": 1234}),
        (run.best_file(5), {"update": 5, "score": 0.5, "planned": 1234}),
        (run.final_model, {"update": 9, "weights": "average of the 2 best"}),
    ):
        save(path, len(path), state)
        found.append(str(load_weights(run, model)))  # type: ignore[arg-type]
        np.testing.assert_array_equal(model.kernel, np.full([3, 5], len(path)))
    of = "not the final weights, as training has not ended:"
    assert found == [
        f"{of} latest checkpoint, after update 7 of about 1,234",
        f"{of} best so far, after update 5 of about 1,234",
        "final weights, average of the 2 best, after 9 updates",
    ]


def test_an_outline_names_the_run_and_the_size() -> None:
    weights = Weights(True, "best checkpoint", 9, 0, "runs/x/model.npz")
    assert outline("Thing", weights, Model(), "gru") == "<Thing of 'runs/x' (best checkpoint): gru, 15 parameters>"  # type: ignore[arg-type]
    assert outline("Thing", IN_TRAINING, Model()) == "<Thing of no run folder (those in training): 15 parameters>"  # type: ignore[arg-type]
