"""Pieces of several lines have ids that hold the line ends, and become the same text again while they come."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.language_model.config import LanguageModelDataConfig
from seq2seq_tf.text.characters import CharacterTokenizer, write_character_tokenizer
from seq2seq_tf.text.running_text import TextOfIds, text_ids
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer, train_piece_model

TEXT = "caf\u00e9 noir\n\nun caf\u00e9\n"


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> SentencePieceTokenizer:
    folder = tmp_path_factory.mktemp("pieces")
    (folder / "text").write_text(TEXT * 5, encoding="utf-8")
    config = LanguageModelDataConfig(vocab_size=280, tokenizer="sentencepiece")
    train_piece_model([str(folder / "text")], str(folder / "p.model"), config, normalization=config.normalization)
    return SentencePieceTokenizer(str(folder / "p.model"))


def test_pieces_have_eos_for_each_line_end(pieces: SentencePieceTokenizer) -> None:
    ids = text_ids(pieces, TEXT)
    assert ids.count(EOS_ID) == TEXT.count("\n") == 3
    assert ids[-1] == EOS_ID
    reader = TextOfIds(pieces)
    assert "".join(map(reader.add, ids)) == TEXT


def test_pieces_become_text_one_by_one_behind_what_stands_before(pieces: SentencePieceTokenizer) -> None:
    """A space before a word is known from the line so far, and bytes wait until they are a character."""
    before, after = text_ids(pieces, "noir"), pieces.encode(["noir caf\u00e9 \u4e2d"])[0]
    assert after[: len(before)] == before
    reader = TextOfIds(pieces, before)
    gained = [reader.add(i) for i in after[len(before) :]]
    assert "".join(gained) == " caf\u00e9 \u4e2d"
    assert "" in gained  # the first bytes of the last character


def test_characters_hold_their_line_ends_and_need_nothing_before(tmp_path: Path) -> None:
    write_character_tokenizer([TEXT], str(tmp_path / "c.model"), max_size=50)
    characters = CharacterTokenizer(str(tmp_path / "c.model"))
    ids = text_ids(characters, TEXT)
    assert len(ids) == len(TEXT)
    assert EOS_ID not in ids
    reader = TextOfIds(characters, ids)
    assert [reader.add(i) for i in ids] == list(TEXT)
