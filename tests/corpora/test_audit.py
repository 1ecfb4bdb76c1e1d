"""Each flaw is found, counted and located; a sound corpus has none."""

import gzip
from pathlib import Path

import pytest

from seq2seq_tf.corpora.audit import find_parts
from seq2seq_tf.corpora.findings import Place
from seq2seq_tf.errors import InputError
from tests import invented
from tests.invented import LINES, audited, examined, only_error, only_finding, part, places


def test_a_sound_corpus_has_sizes_and_no_findings(tmp_path: Path) -> None:
    train = part(tmp_path, "train", "one\ntwo words\nthree\n", "eins\nzwei\ndrei kleine Wörter\n")
    result = examined(train, part(tmp_path, "valid", "four\n", "vier\n"), part(tmp_path, "test", "six\n", "sechs\n"))
    assert result.findings == ()
    assert result.errors == 0
    assert result.sizes == (("train", 3, 4, 5), ("valid", 1, 1, 1), ("test", 1, 1, 1))


@pytest.mark.parametrize(
    ("source", "target", "severity", "check", "place"),
    [
        ("a\nb\nc\n", "x\ny\n", "error", "different numbers of lines", "{en} (3 lines, but 2 in {de})"),
        ("", "", "error", "no pair with text on both sides", "{en}"),
        (b"a\n\xe4\n", "x\ny\n", "error", "invalid UTF-8", "{en}:2 (byte 0xe4 at column 1)"),
        ("a\nb\n", "x\ny\0\n", "error", "NUL character", "{de}:2"),
        ("a\nb\x0bc\n", "x\ny\n", "warning", "control character", "{en}:2 (U+000B)"),
        ("a\nb\n", "x\ny\u2028z\n", "warning", "control character", "{de}:2 (U+2028)"),
        ("a\nb\ufffd\n", "x\ny\n", "warning", "U+FFFD: damaged by an earlier conversion", "{en}:2"),
        ("a\nb\n", "x\n \n", "warning", "one side empty", "{en}:2"),
        ("a\nb\n", "x\n\u200b\n", "warning", "one side empty", "{en}:2"),
        ("a\n\n", "x\n\n", "warning", "both sides empty", "{en}:2"),
        ("a\nb\n", "x\nb\n", "warning", "both sides the same", "{en}:2"),
        ("a\nb\na\n", "x\ny\nx\n", "warning", "duplicate pair", "{en}:3 (repeats line 1)"),
        ("a\nb c d e f g h i\n", "x\nyyyyyyyyyyyyyy\n", "warning", "longer than 7 words", "{en}:2 (8 words)"),
    ],
)
def test_each_flaw_is_found_at_its_place(
    tmp_path: Path, source: str | bytes, target: str | bytes, severity: str, check: str, place: str
) -> None:
    train = part(tmp_path, "train", source, target)
    expected = (place.format(en=train.source, de=train.target),)
    finding = only_finding(examined(train))
    assert (*finding[:4], places(finding)) == (severity, "train", check, 1, expected)


def test_odd_lengths_are_relative_to_the_ratio_of_the_part(tmp_path: Path) -> None:
    source = "".join(f"{chr(97 + i) * 40}\n" for i in range(11)) + "short\n"
    target = "".join(f"{chr(110 + i) * 20}\n" for i in range(11)) + "z" * 90 + "\n"
    finding = only_finding(examined(part(tmp_path, "train", source, target)))
    assert finding.check == "lengths differ by more than a factor of 3"
    assert places(finding) == (f"{tmp_path}/train.en:12 (5 and 90 characters)",)


def test_invalid_lines_do_not_hide_later_findings(tmp_path: Path) -> None:
    result = examined(part(tmp_path, "train", b"\xff\nb\n\xfe\n", b"x\nb\n\xfd\n"))
    assert [(f.check, f.times) for f in result.findings] == [("invalid UTF-8", 3), ("both sides the same", 1)]


def test_parts_are_found_in_order_plain_or_compressed(tmp_path: Path) -> None:
    for name in (
        "train.de.gz",
        "train.en.gz",
        "valid.de",
        "valid.en",
        "test.en",
        "test.de",
        "notes.txt",
        "a.fr",
    ):
        (tmp_path / name).write_bytes(gzip.compress(b"x\n") if name.endswith("gz") else b"x\n")
    parts = find_parts(tmp_path, "en", "de")
    assert [(p.name, p.source.name, p.target.name) for p in parts] == [
        ("train", "train.en.gz", "train.de.gz"),
        ("valid", "valid.en", "valid.de"),
        ("test", "test.en", "test.de"),
    ]


def test_missing_sides_and_folders_are_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        find_parts(tmp_path / "nowhere", "en", "de")
    with pytest.raises(InputError, match=r"no files NAME\.en and NAME\.de"):
        find_parts(tmp_path, "en", "de")
    (tmp_path / "train.en").touch()
    with pytest.raises(InputError, match=r"train\.de: no such file"):
        find_parts(tmp_path, "en", "de")


def test_one_text_on_both_sides_is_found(tmp_path: Path) -> None:
    assert (
        only_error(audited(invented.write_part(tmp_path, *[invented.sides()[0]] * 2))).check
        == "most pairs have identical sides"
    )


def test_lines_that_end_with_cr_only_are_found_on_either_side(tmp_path: Path) -> None:
    part = invented.write_part(tmp_path, *invented.sides(), end="\r")
    error = only_error(audited(part))
    assert (error.check, error.times) == ("lines end with CR only", 2)
    assert error.examples[0] == Place(str(part.source), 0, f"1 line with {LINES - 1} CR inside")
