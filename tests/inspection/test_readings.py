"""Tokens of a reading are where the text has them."""

from __future__ import annotations

from seq2seq_tf.inspection.readings import token_spans


def test_spans_locate_each_token_and_an_empty_token_has_an_empty_span() -> None:
    tokens = ["ma", "", " ", "\n", "loé"]
    spans = token_spans(tokens)
    assert ["".join(tokens)[start:end] for start, end in spans] == tokens
    assert spans.tolist() == [[0, 2], [2, 2], [2, 3], [3, 4], [4, 7]]
