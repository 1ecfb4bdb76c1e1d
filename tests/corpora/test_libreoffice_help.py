"""Help pages yield the text that a reader sees, paragraph by paragraph."""

from pathlib import Path

import pytest

from seq2seq_tf.corpora.libreoffice_help import HelpPage, find_pages, paragraph_pairs, sentence_pairs
from seq2seq_tf.errors import InputError

SWITCH = (
    '<span id="s" class="switchinline"> <span hidden="true" id="MACx"><span>Command</span></span>\n'
    '<span hidden="true" id="defaultx"><span class="keycode">Ctrl</span></span></span>'
)


def paragraphs(body: str) -> list[tuple[str, str]]:
    return HelpPage(f'<html><p id="head">no</p><div id="DisplayArea">{body}</div></html>').paragraphs


def test_paragraphs_and_headings_with_an_id_are_collected() -> None:
    heading = '<h2 id="h1" dir="auto">\nA  title</h2><p>no id</p>'
    body = heading + '<p id="p1">An <b>inline</b>\n<a href="x">link</a>.</p>'
    assert paragraphs(body) == [("h1", "A title"), ("p1", "An inline link.")]


def test_entities_become_characters_and_no_break_spaces_become_spaces() -> None:
    assert paragraphs('<p id="p">a &lt; b&nbsp;&amp;&#x20AC; &auml;</p>') == [("p", "a < b &€ ä")]


def test_the_default_variant_is_used() -> None:
    assert paragraphs(f'<p id="p">Press {SWITCH}<span>+A</span> now</p>') == [("p", "Press Ctrl+A now")]


def test_without_a_default_the_first_variant_is_used() -> None:
    switch = '<span class="switchinline"><span class="UNIX">one</span><span class="WIN">two</span></span>'
    assert paragraphs(f'<p id="p">{switch}</p>') == [("p", "one")]


def test_program_code_is_left_out() -> None:
    body = (
        '<p id="a" class="code">x = 1</p><p id="b" class="smathcode">y</p>'
        '<pre><p id="c">z</p></pre><script>var p;</script><p id="d">text</p>'
    )
    assert paragraphs(body) == [("d", "text")]


def test_empty_and_unclosed_paragraphs_are_handled() -> None:
    assert paragraphs('<p id="a"><img src="x"></p></span><p id="b"><span>one<p id="c">two</p>') == [
        ("b", "one"),
        ("c", "two"),
    ]


def write_page(folder: Path, body: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.html").write_text(f'<div id="DisplayArea">{body}</div>', encoding="utf-8")


def test_paragraphs_are_paired_by_page_id_and_occurrence(tmp_path: Path) -> None:
    write_page(tmp_path / "en" / "a", '<p id="x">one</p><p id="x">two</p><p id="y">three</p><p id="z">four</p>')
    write_page(tmp_path / "de" / "a", '<p id="y">drei</p><p id="x">eins</p><p id="x">zwei</p><p id="w">neu</p>')
    write_page(tmp_path / "en" / "b", '<p id="q">only here</p>')
    expected = [("one", "eins"), ("two", "zwei"), ("three", "drei")]
    assert list(paragraph_pairs(tmp_path / "en", tmp_path / "de")) == expected


def test_a_language_folder_is_found_whatever_its_case(tmp_path: Path) -> None:
    (tmp_path / "pt-BR" / "text").mkdir(parents=True)
    assert find_pages(tmp_path, "pt-br") == tmp_path / "pt-BR" / "text"
    with pytest.raises(InputError, match="no help pages for 'pt'"):
        find_pages(tmp_path, "pt")


def test_sentences_are_paired_if_both_sides_have_the_same_number() -> None:
    divided = sentence_pairs("One is here. Two is.", "Eins ist hier. Zwei ist.", ratio=1.0, max_deviation=3.0)
    assert list(divided) == [("One is here.", "Eins ist hier."), ("Two is.", "Zwei ist.")]
    whole = sentence_pairs("One is here. Two is.", "Eins ist hier, zwei ist.", ratio=1.0, max_deviation=3.0)
    assert list(whole) == [("One is here. Two is.", "Eins ist hier, zwei ist.")]


def test_sentences_of_different_lengths_stay_one_paragraph() -> None:
    source, target = "Yes. " + "A long sentence, " * 9, "Ein langer Satz, " * 9 + "eben. Ja"
    assert list(sentence_pairs(source, target, ratio=1.0, max_deviation=3.0)) == [(source, target)]


def test_lines_are_paired_if_both_sides_have_the_same_number() -> None:
    divided = sentence_pairs("one\ntwo", "eins\nzwei", ratio=1.0, max_deviation=3.0)
    assert list(divided) == [("one", "eins"), ("two", "zwei")]
    joined = sentence_pairs("one\ntwo", "eins zwei", ratio=1.0, max_deviation=3.0)
    assert list(joined) == [("one two", "eins zwei")]
