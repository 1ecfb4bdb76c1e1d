"""A confusion table is drawn with its labels; a cell with a larger share of its row is darker."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

from seq2seq_tf.inspection.confusion import confusion_png


def drawn(table: list[list[int]], labels: list[str]) -> np.ndarray:
    """Returns the picture, [rows, columns] from 0 (blue) to 1 (white)."""
    png = confusion_png(np.array(table), labels)
    return matplotlib.image.imread(io.BytesIO(png))[:, :, 0]


def test_the_darkness_of_a_cell_is_its_share_of_the_true_label() -> None:
    picture = drawn([[90, 10], [0, 1]], ["a", "b"])
    other = drawn([[9, 1], [0, 100]], ["a", "b"])
    difference = np.abs(picture - other)
    assert 0 < (difference > 0.2).mean() < 0.02  # equal shares: only the printed numbers differ


def test_a_label_that_never_occurs_and_many_labels_can_be_drawn() -> None:
    labels = [f"$l_{n}$" for n in range(23)]
    picture = drawn((np.eye(23, dtype=int) * np.arange(23)[:, np.newaxis]).tolist(), labels)
    assert picture.min() < 0.2
    assert picture.shape[0] > drawn([[1, 0], [0, 1]], ["a", "b"]).shape[0]


@pytest.mark.filterwarnings("error")
def test_labels_of_any_script_are_drawn_without_a_warning() -> None:
    assert drawn([[1, 2], [3, 4]], ["日本語", "עברית"]).size
