"""Sentences for language identification: none twice, none in two languages, equally many of each."""

from pathlib import Path

import pytest

from seq2seq_tf.corpora.language_sentences import balanced_split, distinct_sentences, help_sentences
from seq2seq_tf.errors import InputError


def test_sentences_in_several_languages_and_duplicates_are_left_out() -> None:
    texts = {
        "en": ["Click OK.", "LibreOffice Writer", "click ok", "42 %", "ab", "a" * 99],
        "de": ["Klicken.", "libreoffice writer!", "Klicken Sie."],
    }
    kept = distinct_sentences(texts, shortest=3, longest=50)
    assert kept.sentences == {"en": ["Click OK."], "de": ["Klicken.", "Klicken Sie."]}
    assert kept.refused["en"] == {
        "too short, too long or without letters": 3,
        "duplicate": 1,
        "in several languages": 1,
    }


def test_parts_are_balanced_disjoint_and_do_not_depend_on_the_order() -> None:
    sentences = {"en": [f"sentence {n}" for n in range(101)], "de": [f"Satz {n}" for n in range(53)]}
    splits = balanced_split(sentences, train=71, held_out=5, seed=1)
    assert [[len(part) for part in splits[label]] for label in ("en", "de")] == [[43, 5, 5]] * 2
    for label, split in splits.items():
        chosen = [n for part in split for n in part]
        assert len(set(chosen)) == len(chosen)
        backwards = balanced_split({**sentences, label: sentences[label][::-1]}, train=71, held_out=5, seed=1)
        mine, theirs = (
            {sentences[label][n] for n in split.test},
            {sentences[label][::-1][n] for n in backwards[label].test},
        )
        assert mine == theirs
    assert balanced_split(sentences, train=7, held_out=5, seed=1)["en"].train.size == 7


def test_a_language_with_too_few_sentences_is_reported() -> None:
    with pytest.raises(InputError, match="de: 6 sentences are too few to hold out 3 each"):
        balanced_split({"de": [f"Satz {n}" for n in range(6)]}, train=9, held_out=3, seed=1)


def test_pages_give_their_sentences(tmp_path: Path) -> None:
    body = '<p id="a" class="paragraph">One here. Two there.</p><p id="b" class="paragraph">Three</p>'
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "page.html").write_text(f'<html><body><div id="DisplayArea">{body}</div></body></html>')
    assert list(help_sentences(tmp_path)) == ["One here.", "Two there.", "Three"]
