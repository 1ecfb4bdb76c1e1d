"""Case and punctuation are removed from a text and restored, and nothing else changes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.tasks.tagging.casing import (
    LABELS,
    MIXED,
    Word,
    bare,
    label_of,
    restored,
    split_label,
    split_words,
    word_forms,
)

TEXTS = st.text(st.sampled_from("aBcZßİéÉ1\u0301-'\".,?:;!() \u2026\u200b"), max_size=40)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("word", "lower"),
        ("Word,", "Title,"),
        ("I.", "Title."),
        ("OK?", "UPPER?"),
        ("LibreOffice:", "mixed:"),
        ('("dialog");', "lower;"),
        ("don't!", "lower!"),
        ("F4", "Title"),
        ("4K", "UPPER"),
        ("42", "lower"),
        ("so...", "lower."),
        ("really?!", "lower?"),
        ("100%.", "lower."),
    ],
)
def test_words_have_the_expected_labels(text: str, label: str) -> None:
    (word,) = split_words(text)
    assert label_of(word) == label
    assert label in LABELS


def test_words_are_separated_by_spaces_and_lone_marks_belong_to_the_previous_word() -> None:
    found = split_words("  «Vraiment» ?\tFile - New ")
    assert found == [Word("«", "Vraiment", "» ?"), Word("", "File", ""), Word("-", "", ""), Word("", "New", "")]
    assert bare(found) == "vraiment file new"
    assert label_of(found[0]) == "Title?"


@given(text=TEXTS)
@settings(max_examples=300, deadline=None)
def test_restoring_bare_words_with_their_labels_recovers_case_and_marks(text: str) -> None:
    words = [word for word in split_words(text) if word.core]
    given_words = split_words(bare(words))
    assert [word.core for word in given_words] == [word.core.lower() for word in words]
    for word, given_word in zip(words, given_words, strict=True):
        label = label_of(word)
        made = restored(given_word, label, {word.core.lower(): word.core})
        if word.core.lower() == word.core.lower().lower():
            assert made == word.core + split_label(label)[1]


@given(text=TEXTS, label=st.sampled_from(LABELS))
@settings(max_examples=200, deadline=None)
def test_no_label_removes_anything(text: str, label: str) -> None:
    for word in split_words(text):
        if word.core:
            made = restored(word, label, {})
            whole = word.before + word.core + word.after
            case, mark = split_label(label)
            assert made.startswith(word.before)
            if word.core != word.core.lower() or case in ("lower", "mixed"):
                assert made in (whole, whole + mark)
            else:
                assert made.endswith((word.after, word.after + mark))


def test_words_with_capitals_or_marks_keep_them() -> None:
    first, second = split_words("iPhone (now),")
    assert restored(first, "UPPER.", {}) == "iPhone."
    assert restored(second, "Title.", {}) == "(Now),"


def test_mixed_forms_are_the_most_frequent_ones() -> None:
    words = split_words("LibreOffice, LibreOffice Libreoffice LIBREoffice iOS IOs ios ios ios")
    forms = word_forms(words)
    assert forms.mixed == {"libreoffice": "LibreOffice", "ios": "IOs"}  # as frequent as iOS, but sorts first
    assert forms.usual == {"libreoffice": "mixed", "ios": "lower"}
    assert restored(Word("", "libreoffice", ""), "mixed.", forms.mixed) == "LibreOffice."
    assert restored(Word("", "other", ""), "mixed.", forms.mixed) == "other."


def test_labels_are_cases_times_marks() -> None:
    assert len(set(LABELS)) == 28
    assert len(MIXED) == 7
    assert [split_label(label) for label in ("lower", "Title,", "UPPER.")] == [
        ("lower", ""),
        ("Title", ","),
        ("UPPER", "."),
    ]
