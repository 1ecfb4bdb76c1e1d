"""Scales are those of the training rows, survive the run folder exactly, and a constant variable is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.scaling import (
    differences,
    load_scaling,
    scaling_file,
    scaling_of,
    write_scaling,
)
from seq2seq_tf.training.run_dir import RunDir


def test_mean_and_scale_are_those_of_values_or_changes(rng: np.random.Generator) -> None:
    values = rng.normal(1e6, 3.0, [29, 2])
    found = scaling_of(("a", "b"), values, 0, "x")
    np.testing.assert_allclose([found.mean, found.scale], [values.mean(0), values.std(0)])
    changes = np.array([values[t] - values[t - 5] for t in range(5, 29)])
    np.testing.assert_array_equal(differences(values, 5), changes)
    found = scaling_of(("a", "b"), values, 5, "x")
    np.testing.assert_allclose([found.mean, found.scale], [changes.mean(0), changes.std(0)])


def test_the_run_folder_restores_every_bit(rng: np.random.Generator, tmp_path: Path) -> None:
    run = RunDir(str(tmp_path))
    found = scaling_of(("a", "ü"), rng.normal(0.0, 1e-7, [29, 2]), 1, "x")
    write_scaling(run, found)
    again = load_scaling(run)
    assert again.names == found.names
    np.testing.assert_array_equal([again.mean, again.scale], [found.mean, found.scale])


@pytest.mark.parametrize("content", ["", "{}", '{"columns": ["a"], "mean": [1], "scale": [0]}', "[1]"])
def test_a_damaged_file_is_one_line(content: str, tmp_path: Path) -> None:
    run = RunDir(str(tmp_path))
    Path(scaling_file(run)).write_text(content)
    with pytest.raises(InputError, match=r"series\.json: missing or damaged"):
        load_scaling(run)


@pytest.mark.parametrize(("steps", "words"), [(0, "the values are all the same"), (2, "the changes over 2 steps are")])
def test_a_variable_without_changes_is_refused(steps: int, words: str) -> None:
    values = np.stack([np.arange(20.0) ** 2, np.full(20, 7.0) if not steps else np.arange(20.0)], 1)
    with pytest.raises(InputError, match=f"x.csv: column 'b': {words}"):
        scaling_of(("a", "b"), values, steps, "x.csv")
