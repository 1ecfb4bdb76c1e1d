"""Findings count each kind of flaw, keep its first places, and show their lines."""

from __future__ import annotations

from pathlib import Path

from seq2seq_tf.corpora.findings import EXAMPLES, Findings, Place, by_severity, excerpt, read_excerpts


def test_all_flaws_are_counted_and_the_first_places_kept() -> None:
    found = Findings("train")
    places = [Place("train.en", n, f"repeats line {n - 1}") for n in range(2, 12)]
    for place in places:
        found.report("warning", "twice", place, "leave it out")
    found.report("error", "broken", Place("train.de"), "fix it")
    twice, broken = found.listed()
    assert twice == ("warning", "train", "twice", len(places), tuple(places[:EXAMPLES]), "leave it out")
    assert [str(place) for place in (*twice.examples[:1], *broken.examples)] == [
        "train.en:2 (repeats line 1)",
        "train.de",
    ]
    assert by_severity([twice, broken]) == (broken, twice)


def test_excerpts_are_read_from_both_sides_and_shown_on_one_line(tmp_path: Path) -> None:
    files = [tmp_path / "a.en", tmp_path / "a.de"]
    files[0].write_bytes(b"one\ntwo\x00\xff\n")
    files[1].write_bytes(b"eins\n" + "ü".encode() * 99 + b"\n")
    found = Findings("a")
    found.report("error", "x", Place(str(files[0]), 2, "", str(files[1]), 2), "")
    found.report("error", "y", Place(str(files[0])), "")
    shown = read_excerpts(found.listed())
    assert shown == {(str(files[0]), 2): "two\\x00\ufffd", (str(files[1]), 2): "ü" * 59 + "…"}
    assert excerpt("a\tb\u2028") == "a\\tb\\u2028"
