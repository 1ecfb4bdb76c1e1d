"""Series of installed packages are complete, evenly spaced and dated, and a missing package is one line."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from seq2seq_tf.corpora.known_series import SOURCES
from seq2seq_tf.errors import InputError

SIZES = {"co2": 526, "elnino": 732, "macrodata": 203, "nile": 100, "stocks": 390, "sunspots": 309}


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_a_series_is_complete_and_evenly_spaced(name: str) -> None:
    names, rows = SOURCES[name].read()
    assert len(rows) == SIZES[name]
    assert names[0] == "time"
    assert all(len(row) == len(names) for row in rows)
    assert np.isfinite(np.array([row[1:] for row in rows], float)).all()
    months = np.array([row[0] for row in rows], "datetime64[M]").astype(int)
    assert len(set(np.diff(months).tolist())) == 1


def test_values_are_those_of_the_package() -> None:
    assert SOURCES["sunspots"].read().rows[:2] == [["1700", "5"], ["1701", "11"]]
    assert SOURCES["elnino"].read().rows[12] == ["1951-01", "24.19"]
    assert SOURCES["macrodata"].read().rows[-1][:3] == ["2009-07", "12990.341", "9256"]
    first = SOURCES["co2"].read().rows[0]
    assert (first[0], float(first[1])) == ("1958-03", pytest.approx(316.1))


def test_without_statsmodels_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.datasets.sunspots", None)
    with pytest.raises(InputError, match=r"sunspots comes with statsmodels.*pip install 'seq2seq_tf\[forecast\]'"):
        SOURCES["sunspots"].read()
    assert SOURCES["stocks"].read().rows
