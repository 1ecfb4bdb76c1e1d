"""Targets that normalisation changes are warnings with their places."""

from pathlib import Path

from seq2seq_tf.corpora.findings import Place
from seq2seq_tf.corpora.normalization_check import check_normalization
from seq2seq_tf.corpora.part_text import Part


def test_targets_that_a_rule_changes_are_counted_with_their_normalised_form(tmp_path: Path) -> None:
    part = Part("train", tmp_path / "train.en", tmp_path / "train.de")
    part.source.write_text("5 m²\n" * 4, encoding="utf-8")
    part.target.write_text("gut\n5 m²\nzwei  Räume \n½ Cafe\u0301\n", encoding="utf-8")
    (found,) = check_normalization([part], "nmt_nfkc")
    places = tuple(Place(str(part.target), n, f"becomes {text}") for n, text in ((2, "5 m2"), (4, "1⁄2 Café")))
    assert found[:5] == ("warning", "train", "data.target_normalization=nmt_nfkc changes this line", 2, places)
    (parted,) = check_normalization([part], "identity")
    assert (parted.times, parted.examples) == (1, (Place(str(part.target), 4),))
    assert "data.target_normalization=nfc" in parted.remedy


def test_published_text_is_not_reported(tmp_path: Path) -> None:
    part = Part("train", tmp_path / "train.en", tmp_path / "train.fa")
    part.source.write_text("x\n" * 4, encoding="utf-8")
    part.target.write_text("می‌خواهم\n你好，世界！\nI’m … 10 €\nক়ড়\n", encoding="utf-8")
    assert check_normalization([part], "identity") == []
