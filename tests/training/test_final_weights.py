"""The final weights are the best or their average, whichever scores higher; what cannot be read is left out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.final_weights import Choice, best_of, choices
from seq2seq_tf.training.run_dir import RunDir

VALUES = ([1.0, 5.0], [2.0, 7.0], [6.0, 0.0])


@pytest.fixture
def variables() -> dict[str, tf.Variable]:
    return {"model/w": tf.Variable([9.0, 9.0])}


@pytest.fixture
def paths(tmp_path: Path, variables: dict[str, tf.Variable]) -> list[str]:
    """Returns files of weights, best first."""
    found = []
    for n, values in enumerate(VALUES):
        found.append(str(tmp_path / f"{n}.npz"))
        checkpoint.save_arrays(found[-1], {"model/w": np.array(values, np.float32)}, {})
    return found


def test_the_choices_are_the_best_and_the_average_of_all(
    paths: list[str], variables: dict[str, tf.Variable], tmp_path: Path
) -> None:
    best, mean = choices(paths, variables, RunDir(str(tmp_path)), pytest.fail)
    assert (best.label, mean.label) == ("best checkpoint", "average of the 3 best")
    np.testing.assert_array_equal(best.arrays["model/w"], VALUES[0])
    np.testing.assert_array_equal(mean.arrays["model/w"], np.mean(VALUES, 0))
    (alone,) = choices(paths[:1], variables, RunDir(str(tmp_path)), pytest.fail)
    assert alone.label == "best checkpoint"


def test_a_damaged_file_is_left_out_and_named(
    paths: list[str], variables: dict[str, tf.Variable], tmp_path: Path
) -> None:
    Path(paths[0]).write_bytes(b"PK")
    said: list[str] = []
    best, mean = choices(paths, variables, RunDir(str(tmp_path)), said.append)
    assert best.label == "best checkpoint that could be read"
    assert mean.label == "average of the 2 best that could be read"
    np.testing.assert_array_equal(best.arrays["model/w"], VALUES[1])
    assert len(said) == 1
    assert paths[0] in said[0]


def test_without_a_file_the_weights_stay_as_they_are(variables: dict[str, tf.Variable], tmp_path: Path) -> None:
    said: list[str] = []
    (found,) = choices([str(tmp_path / "gone.npz")], variables, RunDir(str(tmp_path)), said.append)
    assert found.label == "last update"
    np.testing.assert_array_equal(found.arrays["model/w"], [9.0, 9.0])
    assert "gone.npz: no such" in said[0]


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ([(20.0, 3.0), (21.0, 4.0)], 1),
        ([(20.0, 3.0), (20.0, 2.0)], 1),  # the loss breaks ties
        ([(20.0, 3.0), (math.nan, 1.0)], 0),
        ([(20.0, 3.0), (20.0, 3.0)], 0),
    ],
)
def test_the_variables_keep_the_choice_that_scores_highest(
    scores: list[tuple[float, float]], chosen: int, variables: dict[str, tf.Variable]
) -> None:
    found = [Choice(f"choice {n}", {"model/w": np.array(VALUES[n], np.float32)}) for n in range(2)]
    waiting = iter(scores)

    def validate() -> dict[str, float]:
        bleu, loss = next(waiting)
        return {"bleu": bleu, "loss": loss}

    best, best_scores = best_of(found, variables, validate, "bleu")
    assert best is found[chosen]
    np.testing.assert_equal(best_scores["bleu"], scores[chosen][0])
    np.testing.assert_array_equal(variables["model/w"], VALUES[chosen])
