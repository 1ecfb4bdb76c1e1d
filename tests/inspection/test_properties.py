"""Properties are on the right characters, in valid files, invalid ones and several joined."""

from __future__ import annotations

import re

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.properties import all_properties, cut, matches, properties_of_files
from tests.text_properties import STDLIB, marks, numbers, values


def test_the_line_end_counts_as_part_of_its_line() -> None:
    text = "ab\n\n\tc"
    assert numbers(text, "position_in_line", "text") == "012001"
    assert numbers(text, "distance_to_line_end", "text") == "210021"
    assert numbers(text, "indentation", "text") == "000088"
    assert numbers(text, "line_start", "text") == "100110"


def test_character_classes_are_those_of_unicode() -> None:
    text = "aÄ7 \n"
    assert marks(text, "uppercase", "text") == ".Ä..\n"
    assert marks(text, "digit", "text") == "..7.\n"
    assert values(text, "text")["space"].tolist() == [False, False, False, True, True]


def test_double_quotes_of_plain_text_close_within_their_paragraph() -> None:
    text = 'he "said\nso" and “that” „dies“\n"open\n\nnext "x"\n'
    expected = "....said\nso.......that...dies.\n.....\n\n......x.\n"
    assert marks(text, "inside_double_quotes", "text") == expected


def test_a_pattern_is_true_on_the_characters_it_matches() -> None:
    text = "def f\nx def g\n"
    found = matches(text, r"^def (?=f)")
    assert found.values.nonzero()[0].tolist() == [0, 1, 2, 3]
    assert [p.name for p in all_properties(text, patterns=["e", "f"])[-2:]] == ["matches e", "matches f"]


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", "a{99999999999999999999}"])
def test_the_error_for_an_invalid_regular_expression_names_it(pattern: str) -> None:
    with pytest.raises(InputError, match=re.escape(repr(pattern))):
        all_properties("text", patterns=[pattern])


def test_the_error_for_an_unknown_kind_of_text_suggests_one() -> None:
    with pytest.raises(InputError, match="did you mean 'python'"):
        all_properties("text", "pyton")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "'",
        '"""',
        "((",
        "))",
        "x = 'a\ny = 1",
        "if",
        "if a",
        "\\",
        "\t x\n y",
        "?$",
        "a\rb\n",
        "\0",
        "f'{",
        "\f",
    ],
)
def test_a_text_that_is_not_python_has_properties_too(text: str) -> None:
    assert values(text).keys() == values("x = 1").keys()


def test_files_are_read_one_by_one_and_joined_with_the_separator() -> None:
    texts, separator = ["x = '''\n", "y = (1\n", "", "z = 'b'"], "\n'\n"
    whole = separator.join(texts)
    found = {p.name: p.values for p in properties_of_files(texts, separator, patterns=["b"])}
    assert all(len(v) == len(whole) for v in found.values())
    inside = "".join(c for c, on in zip(whole, found["inside_quotes"], strict=True) if on)
    assert inside == "\nb"  # nothing of the separator, which contains a quote
    assert found["bracket_depth"][len(texts[0]) + len(separator) :].tolist()[-10:] == [0.0] * 10
    np.testing.assert_array_equal(found["position_in_line"], values(whole)["position_in_line"])
    assert found["matches b"].sum() == 1


@pytest.mark.parametrize("kind", ["python", "text"])
def test_no_file_and_one_file_have_properties(kind: str) -> None:
    assert [len(p.values) for p in properties_of_files([], "\n", kind)] == [0] * len(all_properties("", kind))
    for found, expected in zip(properties_of_files(["a 'b'"], "\n", kind), all_properties("a 'b'", kind), strict=True):
        np.testing.assert_array_equal(found.values, expected.values)


def test_a_cut_keeps_the_properties_of_the_whole_file() -> None:
    text = "x = '''ab'''\n"
    assert cut(all_properties(text), 8, 10)[0].values.tolist() == [True, False]


def test_properties_of_the_standard_library_are_plausible() -> None:
    text = (STDLIB / "textwrap.py").read_text(encoding="utf-8")
    found = values(text)
    quoted, comments = found["inside_quotes"], found["inside_comment"]
    assert 0.2 < quoted.mean() < 0.7
    assert not (quoted & comments).any()
    conditions = marks(text, "inside_if_condition").replace("\n", ".")
    assert [c for c in re.split(r"\.{2,}", conditions) if c.strip(". ")][0].strip() == "self.expand_tabs"
