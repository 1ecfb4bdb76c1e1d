"""Ids are mapped as they were written; a file of the wrong size is reported with a remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.data.id_files import map_ids
from seq2seq_tf.errors import InputError

WHOLE = np.dtype(np.uint16)


def test_ids_are_mapped_without_being_read_into_memory(tmp_path: Path) -> None:
    ids = np.arange(7, dtype=WHOLE)
    (tmp_path / "x.ids").write_bytes(ids.tobytes())
    found = map_ids(str(tmp_path / "x.ids"), WHOLE, 7)
    assert isinstance(found, np.memmap)
    assert not found.flags.writeable
    np.testing.assert_array_equal(found, ids)


@pytest.mark.parametrize(
    ("size", "count", "message"),
    [
        (13, 7, "contains 6 ids and part of another, expected 7"),
        (16, 7, "contains 8 ids, expected 7"),
        (0, 0, "contains 0 ids"),
    ],
)
def test_a_file_of_the_wrong_size_is_refused(size: int, count: int, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.ids").write_bytes(b"x" * size)
    with pytest.raises(InputError, match=rf"x\.ids: {message}.*delete the folder {tmp_path}"):
        map_ids(str(tmp_path / "x.ids"), WHOLE, count)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x\.ids: no such file; delete the folder"):
        map_ids(str(tmp_path / "x.ids"), WHOLE, 3)
