"""Scripts of characters and texts."""

from __future__ import annotations

import pytest

from seq2seq_tf.text.scripts import WITHOUT_SPACES, count_scripts, is_right_to_left, main_script, script_of


@pytest.mark.parametrize(
    ("character", "script"),
    [
        ("a", "Latn"),
        ("ß", "Latn"),
        ("я", "Cyrl"),
        ("世", "Hani"),
        ("ひ", "Hira"),
        ("한", "Hang"),
        ("م", "Arab"),
        ("1", "Zyyy"),
    ],
)
def test_characters_have_the_script_of_unicode(character: str, script: str) -> None:
    assert script_of(character) == script


def test_shared_characters_do_not_count() -> None:
    assert count_scripts(["a 1, é!", "世界。"]) == {"Latn": 2, "Hani": 2}


def test_the_most_frequent_script_is_the_main_one() -> None:
    assert main_script(["the 世界", "word"]) == "Latn"
    assert main_script(["12 + 3", ""]) == "Zyyy"


def test_direction_and_spaces() -> None:
    assert is_right_to_left("Arab")
    assert is_right_to_left("Hebr")
    assert not is_right_to_left("Latn")
    assert {"Hani", "Thai"} <= WITHOUT_SPACES
    assert "Hang" not in WITHOUT_SPACES
