"""Held-out sentences in another part are found: a whole pair is an error, one side a warning."""

from __future__ import annotations

from pathlib import Path

from tests.invented import examined, only_finding, part, places


def test_a_held_out_pair_in_train_is_an_error_and_one_side_a_warning(tmp_path: Path) -> None:
    train = part(tmp_path, "train", "new\nGood day!\nother\n", "neu\nGuten Tag!\nandere\n")
    test = part(tmp_path, "test", "x\ngood day\nOther.\n", "y\nguten tag\nverschiedene\n")
    result = examined(train, test)
    assert [(*finding[:4], places(finding)) for finding in result.findings] == [
        ("error", "test", "pair also occurs in train", 1, (f"{test.source}:2 (= {train.source}:2)",)),
        ("warning", "test", "one side also occurs in train", 1, (f"{test.source}:3 (= {train.source}:3)",)),
    ]
    assert result.errors == 1


def test_leaks_on_the_target_side_and_between_valid_and_test_are_found(tmp_path: Path) -> None:
    valid = part(tmp_path, "valid", "a\n", "gleich\n")
    test = part(tmp_path, "test", "b\nc\n", "neu\ngleich\n")
    finding = only_finding(examined(valid, test))
    assert finding[:3] == ("warning", "test", "one side also occurs in valid")
    assert places(finding) == (f"{test.target}:2 (= {valid.target}:1)",)


def test_two_test_sets_may_overlap(tmp_path: Path) -> None:
    parts = [part(tmp_path, name, "a\n", "x\n") for name in ("test", "test_2016")]
    assert examined(*parts).findings == ()
