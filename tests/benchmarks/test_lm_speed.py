"""The benchmark of language models counts multiplications and lists the ratio to PyTorch."""

from __future__ import annotations

import sys

import pytest

from benchmarks.lm_speed import one_turn, summary, table, training_flops
from seq2seq_tf.errors import InputError

SIZES = {"units": 7, "layers": 2, "embedding": 3, "vocab": 11, "streams": 5, "chunk": 20}


def test_operations_are_those_of_the_products() -> None:
    weights = 4 * 7 * (3 + 7) + 4 * 7 * (7 + 7) + 7 * 11
    assert training_flops(SIZES) == 6 * weights


def test_the_table_compares_medians_with_pytorch() -> None:
    turns = [
        {"program": "seq2seq_tf, float32", "seconds": [0.5, 0.5, 9.0], "peak_mib": 1024.0, "matmul_flops": 1e9},
        {"program": "PyTorch 9, nn.LSTM", "seconds": [1.0], "peak_mib": 512.0},
        {"program": "seq2seq_tf, bfloat16", "seconds": [0.25], "peak_mib": 1024.0, "matmul_flops": 4e9},
    ]
    rows = summary(SIZES, turns)
    assert [row["characters_per_s"] for row in rows] == [200.0, 100.0, 400.0]
    assert rows[1]["mfu"] == 100.0 * training_flops(SIZES) / 1e9
    assert rows[2]["mfu"] == 400.0 * training_flops(SIZES) / 4e9
    lines = table(rows).splitlines()
    assert [line.split("|")[4].strip() for line in lines[2:]] == ["2.00", "1.00", "4.00"]


def test_a_program_that_fails_is_named_with_its_last_line() -> None:
    with pytest.raises(InputError, match="failed: ModuleNotFoundError: No module named 'nonsense'"):
        one_turn([sys.executable, "-c", "import nonsense"])
