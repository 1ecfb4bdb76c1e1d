"""Reading, comparing and writing raw parallel text."""

import gzip
import os
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq_tf.errors import InputError
from seq2seq_tf.text import lines as line_module

LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))


def without_side_effects(line: str) -> str:
    """Applies the one change that reading may make: it drops a CR at the end."""
    return line.removesuffix("\r")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines")


@settings(deadline=None)
@given(lines=LINES, zipped=st.booleans(), ended=st.booleans())
@example(lines=["a\u2028b\x0bc\x0cd\x85e\u2029f\x1cg"], zipped=False, ended=True)
@example(lines=["", " ", ""], zipped=True, ended=True)
@example(lines=["\r0"], zipped=False, ended=False)
def test_lines_are_read_as_written_and_only_lf_ends_a_line(
    folder: Path, lines: list[str], zipped: bool, ended: bool
) -> None:
    content = "\n".join(lines).encode() + b"\n" * (ended and bool(lines))
    path = folder / ("text.gz" if zipped else "text")
    path.write_bytes(gzip.compress(content) if zipped else content)
    expected = [without_side_effects(line) for line in lines]
    if not ended and expected and lines[-1] == "":
        expected.pop()  # an empty string after the last LF is not a line
    if expected:
        expected[0] = expected[0].removeprefix("\ufeff")
    if len(expected) == 1 and "\r" in expected[0]:  # looks like a file whose lines end with CR
        with pytest.raises(InputError, match="one line with"):
            list(line_module.iter_lines(path))
        return
    assert list(line_module.iter_lines(path)) == expected


def test_crlf_bom_and_missing_last_line_end_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "windows.txt"
    path.write_bytes(b"\xef\xbb\xbfeins\r\n\r\nzw\rei\r\r\ndrei")
    assert list(line_module.iter_lines(path)) == ["eins", "", "zw\rei\r", "drei"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert list(line_module.iter_lines(path)) == []


def test_invalid_utf8_is_reported_with_file_line_byte_and_column(tmp_path: Path) -> None:
    path = tmp_path / "latin1.de"
    path.write_bytes("gut\nschön: ".encode() + b"\xe4rger\n")
    lines = line_module.iter_lines(path)
    assert next(lines) == "gut"
    with pytest.raises(InputError) as caught:
        next(lines)
    assert str(caught.value) == f"{path}:2: invalid UTF-8 (byte 0xe4 at column 8)"


@pytest.mark.parametrize("raw", [b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"ab\xe2\x82", b"\x80"])
def test_surrogates_and_overlong_or_truncated_sequences_are_invalid(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "bad"
    path.write_bytes(raw)
    with pytest.raises(InputError, match="bad:1: invalid UTF-8"):
        list(line_module.iter_lines(path))


def test_utf16_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "notepad.txt"
    path.write_bytes("hello\n".encode("utf-16"))
    with pytest.raises(InputError, match="looks like UTF-16"):
        list(line_module.iter_lines(path))


def make_folder(path: Path) -> None:
    path.mkdir()


def make_truncated_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(" ".join(map(str, range(1000))).encode())[:-50])


def make_plain_file(path: Path) -> None:
    path.write_text("not compressed\n")


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("missing", lambda path: None, "missing: no such file"),
        ("folder", make_folder, "folder: is a folder"),
        ("cut.gz", make_truncated_gzip, "cut.gz: not a complete gzip file"),
        ("plain.gz", make_plain_file, "plain.gz: not a complete gzip file"),
    ],
)
def test_unreadable_files_are_reported(tmp_path: Path, name: str, make: Callable[[Path], None], message: str) -> None:
    make(tmp_path / name)
    with pytest.raises(InputError, match=message) as caught:
        list(line_module.iter_lines(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0)
    with pytest.raises(InputError, match="secret: no permission"):
        list(line_module.iter_lines(path))


def test_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"line\n" * 100_000 + b"\xff\n")
    assert next(line_module.iter_lines(path)) == "line"  # the error at the end is not reached


@pytest.mark.parametrize(("left", "right"), [(3, 5), (5, 3), (0, 1), (1, 0)])
def test_files_of_different_lengths_are_reported_with_both_counts(tmp_path: Path, left: int, right: int) -> None:
    source, target = tmp_path / "a.en", tmp_path / "a.de"
    source.write_text("x\n" * left)
    target.write_text("y\n" * right)
    read = line_module.iter_pairs(source, target)
    assert [next(read) for _ in range(min(left, right))] == [("x", "y")] * min(left, right)
    with pytest.raises(InputError) as caught:
        next(read)
    assert f"{source} has {left} lines but {target} has {right} lines" in str(caught.value)


def test_a_file_whose_lines_end_with_cr_is_reported_on_either_side(tmp_path: Path) -> None:
    old, new = tmp_path / "old.en", tmp_path / "new.de"
    old.write_bytes(b"one\rtwo\rthree\r")
    new.write_bytes(b"eins\nzwei\ndrei\n")
    for files in ((old, new), (new, old), (old, old)):
        with pytest.raises(InputError, match=r"old\.en: one line with 2 CR in it; only LF ends a line"):
            list(line_module.iter_pairs(*files))
    new.write_bytes(b"only one line\r\n")
    assert list(line_module.iter_lines(new)) == ["only one line"]
    new.write_bytes(b"a line with\ra CR\nand another\n")
    assert list(line_module.iter_lines(new)) == ["a line with\ra CR", "and another"]


def test_files_with_the_same_lines_are_recognised_compressed_or_not(tmp_path: Path) -> None:
    plain, windows, zipped, longer = (tmp_path / name for name in ("a", "b", "c.gz", "d"))
    plain.write_bytes(b"one\ntwo\n")
    windows.write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    zipped.write_bytes(gzip.compress(b"one\ntwo\n"))
    longer.write_bytes(b"one\ntwo\nthree\n")
    assert line_module.same_lines(plain, plain)
    assert line_module.same_lines(plain, windows)
    assert line_module.same_lines(zipped, windows)
    assert not line_module.same_lines(plain, longer)
    empty = tmp_path / "empty"
    empty.touch()
    assert not line_module.same_lines(empty, empty)


@settings(deadline=None)
@given(st.text())
@example("e\u200b\u0301")  # without the zero-width space, e and the accent compose
@example("ﬁ ™ ₂ İ ς")
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = line_module.normalised(text)
    assert line_module.normalised(once) == once


@settings(deadline=None)
@given(st.lists(st.text(string.ascii_lowercase + "äöüß日本", min_size=1), min_size=1), st.data())
def test_case_punctuation_and_spaces_do_not_distinguish_sentences(words: list[str], data: st.DataObject) -> None:
    between = data.draw(st.lists(st.sampled_from([" ", "  ", ", ", " – ", "\u00a0", "\t"]), min_size=len(words)))
    other = "".join(word.upper() + gap for word, gap in zip(words, between, strict=False))
    assert line_module.normalised(f"„{other}!“") == line_module.normalised(" ".join(words))


def test_sentences_with_different_words_digits_or_accents_differ() -> None:
    texts = ["a b", "ab", "a b 1", "a b 2", "résumé", "resume", "के", "क", "=", "+", "= +", ""]
    assert len({line_module.normalised(text) for text in texts}) == len(texts)
