"""Texts passed by callers are accepted, or the error says what is wrong with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.text.given import check_text, check_texts


@pytest.mark.parametrize(
    "given",
    [
        ["a", "ü", ""],
        ("a", "ü", ""),
        (text for text in ("a", "ü", "")),
        np.array(["a", "ü", ""]),
        np.array(["a", "ü", ""], object),
    ],
)
def test_any_ordered_iterable_of_texts_is_accepted(given: Any) -> None:
    found = check_texts(given)
    assert found == ["a", "ü", ""]
    assert {type(text) for text in found} == {str}  # not NumPy's


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a", "names must be a list of texts, got one text"),
        (b"a", "names must be a list of texts, got bytes"),
        (None, "names must be a list of texts, got NoneType"),
        (7, "names must be a list of texts, got int"),
        ({"a": 1}, "names must be a list of texts, got dict"),
        ({"a"}, "names must be a list of texts, got set"),
        (["a", None], "names: item 2 must be a str, got NoneType"),
        (["a", float("nan")], "names: item 2 must be a str, got float"),
        (["a", "b", b"c"], "names: item 3 must be a str, got bytes; decode it first"),
        ([["a"]], "names: item 1 must be a str, got list"),
        (np.array([b"a"]), "names: item 1 must be a str, got bytes_; decode it first"),
        (np.array("a"), "names must be a list of texts, got ndarray"),
        (["a", "caf\udce9"], "names: item 2 is not valid Unicode ('\\udce9' at column 4)"),
    ],
)
def test_an_item_that_is_not_a_text_is_reported_with_its_number_and_type(given: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_texts(given, "names")
    assert str(caught.value).startswith(message)


def test_a_single_text_is_accepted_or_refused() -> None:
    assert check_text(np.array(["ü"])[0], "prompt") == "ü"
    with pytest.raises(InputError, match="prompt must be a str, got bytes; decode it first"):
        check_text(b"a", "prompt")
