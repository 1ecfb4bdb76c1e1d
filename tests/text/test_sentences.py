"""Paragraphs are split only where it is safe."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.text.sentences import count_words, split_paragraph, split_sentences, usual_gap


@pytest.mark.parametrize(
    "divided",
    [
        ["Choose File.", "The dialog opens."],
        ["Wählen Sie Datei!", "Ändern Sie z. B. Ordner."],
        ['He said "Stop."', "Then he went (far away.)", "End."],
        ["¿Qué?", "¡Sí!", "Bien."],
        ["これは本です。", "あれは？", "はい"],
        ["यह है।", "वह है।"],
        ["یہ ہے۔", "وہ ہے۔"],
        ["ይህ ነው።", "ያ ነው።"],
        ["Это да.", "Это нет."],
        ["It was 2003.", "Then came 2004."],
        ["Version 7.4.", "Next."],
    ],
)
def test_paragraphs_are_split_at_sentence_ends(divided: list[str]) -> None:
    unspaced = divided[0].endswith("。")
    assert split_sentences(("" if unspaced else " ").join(divided)) == divided


@pytest.mark.parametrize(
    "whole",
    [
        "Öffnen Sie ggf. Dateien, bzw. Ordner.",
        "Am 3. Januar war es warm.",
        "1. Click OK.",
        "See Fig. Two or Dr. Who, e.g. Monday",
        "Use 3.14 or file.Name or www.example.org",
        "Choose Save As... Then",
        "Choose Save As…. Then",
        "Not here. not there",
        "Text (one. Two. Three) goes on",
        "文（一。二）三",
        "「はい。」と言った",
        "J. S. Bach",
        "...",
    ],
)
def test_when_in_doubt_nothing_is_split(whole: str) -> None:
    assert split_sentences(whole) == [whole]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from('aB1.!?。 ()"“…\u00a0ß')))
def test_only_white_space_is_lost(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() != "" for sentence in split_sentences(text))


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from('aB1.!?。 ()"“…\u00a0\nß')))
def test_sentences_and_gaps_together_are_the_paragraph(text: str) -> None:
    sentences, gaps = split_paragraph(text)
    assert "".join(part + gap for part, gap in zip(sentences, [*gaps, ""], strict=False)) == text.strip()
    assert len(gaps) == max(len(sentences) - 1, 0)
    assert not any(gap.strip() for gap in gaps)


def test_white_space_between_sentences_is_kept() -> None:
    assert split_paragraph(" One.  Two!\n\nThree。四。 ") == (["One.", "Two!", "Three。", "四。"], ["  ", "\n\n", ""])
    assert split_paragraph(" \n ") == ([], [])


@pytest.mark.parametrize("unit", [".", "(A. ", "A. ", '."', "。", '. "', "」。", " "])
def test_a_long_hostile_text_is_split_in_linear_time(unit: str) -> None:
    """A splitter that scans the rest of the text at each mark would not finish."""
    text = unit * (200_000 // len(unit))
    assert "".join("".join(split_paragraph(text).sentences).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("sentence", "gap"),
    [("One.", " "), ("一。", ""), ("OK！”", ""), ("いち", ""), ("하나.", " "), ("หนึ่ง", " "), ("", " ")],
)
def test_a_space_is_usual_except_in_chinese_and_japanese(sentence: str, gap: str) -> None:
    assert usual_gap(sentence) == gap


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("  ", 0),
        ("one", 1),
        ("zwei  Wörter", 2),
        ("日本語", 2),
        ("LibreOffice の表", 2),
        ("한국어 문장", 2),
        ("你好，世界！", 2),
        ("コーヒー", 2),
        ("表 - 2", 2),
        ("ខ្មែរ", 3),
        ("ᠮᠣᠩᠭᠣᠯ ᠬᠡᠯᠡ", 2),
        ("a - é", 3),
    ],
)
def test_words_are_counted_in_scripts_with_and_without_spaces(text: str, words: int) -> None:
    assert count_words(text) == words
