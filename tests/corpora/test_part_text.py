"""The text of a part can be read repeatedly, unchanged, and a sample is spread over all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq_tf.corpora import part_text
from seq2seq_tf.corpora.part_text import Part, PartText


def written(folder: Path, sources: list[str], targets: list[str]) -> PartText:
    part = Part("train", folder / "a.en", folder / "a.de")
    for path, lines in zip(part[1:], (sources, targets), strict=True):
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return PartText(part, ("en", "de"))


def test_a_shorter_side_yields_none_and_invalid_bytes_are_ignored(tmp_path: Path) -> None:
    text = written(tmp_path, ["one", "two"], ["eins", "zwei", "drei"])
    text.part.source.write_bytes(b"o\xffne\ntwo\n")
    for _ in range(2):
        assert list(text.lines()) == [("one", "eins"), ("two", "zwei"), (None, "drei")]


def test_only_pairs_with_two_different_texts_are_drawn(tmp_path: Path) -> None:
    sources, targets = ["one", "", "three", "same", "\u200b", "six"], ["eins", "zwei", "", "same", "fünf", "sechs"]
    text = written(tmp_path, sources, targets)
    assert text.sample == [("one", "eins"), ("six", "sechs")]


def test_a_sample_is_spread_evenly_and_keeps_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_text, "_SAMPLE", 100)
    numbers = [str(n) for n in range(1000)]
    sample = [int(source) for source, _ in written(tmp_path, numbers, [f"{n}." for n in numbers]).sample]
    assert len(set(sample)) == 100
    assert sample == sorted(sample)
    assert all(5 <= sum(low <= n < low + 200 for n in sample) <= 35 for low in range(0, 1000, 200))
