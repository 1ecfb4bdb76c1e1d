"""Python source is read by `tokenize`, or by a scanner if that fails: both find the same."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq_tf.inspection import python_source
from tests.text_properties import FILES, STDLIB, marks, numbers, values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 'ab' + \"c'd\"\n", ".....ab.....c'd.\n"),
        ("x = ''\n", "......\n"),
        ("x = rb'\\'' # 'no'\n", ".......\\'........\n"),
        ('"""a\n"b" # c\n"""\n', '...a\n"b" # c\n...\n'),
        ("f'a{x!r}b' f\"{y['k']}\"\n", "..a{x!r}b....{y['k']}.\n"),
        ("bar'x'\n", "....x.\n"),  # not a prefix and not Python: some versions use the scanner
        ("x = '''\n# in\n''' # out\n", ".......\n# in\n.........\n"),
    ],
)
def test_quoted_text_is_what_string_literals_enclose(text: str, expected: str) -> None:
    assert marks(text, "inside_quotes") == expected


def test_a_comment_goes_from_the_hash_to_the_end_of_the_line() -> None:
    assert marks("a # 'b'\n'# c'\n", "inside_comment") == "..# 'b'\n.....\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if a == b: c\n", ".. a == b...\n"),
        ("if a:\n  b\nelif (c\n  and d[1:2]):\n  e\n", ".. a.\n...\n.... (c\n  and d[1:2]).\n...\n"),
        ("x = a if b else c\n", ".................\n"),
        ("[a for a in b if c]\n", "...................\n"),
        ("if lambda: a: b\n", ".. lambda: a...\n"),
        ("if (x := 'a:'): b\n", ".. (x := 'a:')...\n"),
        ("if a \\\n  : b\n", ".. a \\\n  ...\n"),
        ("iffy: int\n", ".........\n"),
    ],
)
def test_a_condition_goes_from_its_keyword_to_its_colon(text: str, expected: str) -> None:
    assert marks(text, "inside_if_condition") == expected


def test_the_brackets_around_a_character_are_counted_except_in_strings() -> None:
    assert numbers("f(a[1], '(')\n", "bracket_depth") == "0011211111100"


def test_block_depth_counts_levels_and_includes_continuation_lines() -> None:
    text = "if a:\n    b(\n1)\n\n    # c\n    '''d\ne'''\n    if f:\n     g\nh\n"
    depths = iter(values(text)["block_depth"].tolist())
    by_line = [{next(depths) for _ in line} for line in text.splitlines(keepends=True)]
    assert by_line == [{0}, {1}, {1}, {1}, {1}, {1}, {1}, {1}, {2}, {0}]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_scanner_finds_what_tokenize_finds(name: str, line_end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (STDLIB / name).read_text(encoding="utf-8")[:20_000].rpartition("\n\n\n")[0].replace("\n", line_end)
    tokenized = python_source.read(text)

    def fails(text: str) -> None:
        raise SyntaxError

    monkeypatch.setattr(python_source, "_tokenized", fails)
    scanned = python_source.read(text)
    for found, expected in zip(scanned, tokenized, strict=True):
        np.testing.assert_array_equal(np.array(found), np.array(expected))
    assert tokenized.quoted
    assert tokenized.bracket_depth.max() > 0
    assert tokenized.bracket_depth[-1] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f'{', '.join(a)}' + $\n", "..{', '.join(a)}.....\n"),
        ("f'{a['b']:{w}>{', '}}' $ 'c'\n", "..{a['b']:{w}>{', '}}.....c.\n"),
        ("f'{{{f'{a!r:#x}'}}}\\'' $ 'c'\n", "..{{{f'{a!r:#x}'}}}\\'.....c.\n"),
        ("rf'''{a[':']}\n{b:=9}''' $ 'c'\n", ".....{a[':']}\n{b:=9}.......c.\n"),
        ("f'{a' $\nb = 'c'\n", "..{a...\n.....c.\n"),  # the field has no end
        ("f'{a: $\nb = 'c'}\n", "..{a: $\n.....c..\n"),
        ("f'{(a}' $ 'c'\n", "..{(a}.....c.\n"),
    ],
)
def test_the_scanner_reads_f_strings_with_their_own_quotes_in_fields(text: str, expected: str) -> None:
    assert marks(text, "inside_quotes") == expected


@pytest.mark.parametrize("unit", ["f'{", "f'{a:{", "f\"{f'{"])
def test_f_strings_nested_a_thousand_times_are_read(unit: str) -> None:
    assert len(values(f"{unit * 1000} $")["inside_quotes"]) == 1000 * len(unit) + 2


def test_a_broken_line_does_not_hide_the_strings_around_it() -> None:
    text = "a = 'b'\nc = 'd\ne = 'f' $\n"
    assert marks(text, "inside_quotes") == ".....b.\n.....d\n.....f...\n"
