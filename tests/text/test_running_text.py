"""The ids of several lines of pieces include their line breaks, and decode to the same text as they arrive."""

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


def test_pieces_are_decoded_one_by_one_after_a_prefix(pieces: SentencePieceTokenizer) -> None:
    """Spaces before words depend on the line so far, and bytes are held back until they form a character."""
    before, after = text_ids(pieces, "noir"), pieces.encode(["noir caf\u00e9 \u4e2d"])[0]
    assert after[: len(before)] == before
    reader = TextOfIds(pieces, before)
    gained = [reader.add(i) for i in after[len(before) :]]
    assert "".join(gained) == " caf\u00e9 \u4e2d"
    assert "" in gained  # the first bytes of the last character


def test_characters_include_line_breaks_and_need_no_prefix(tmp_path: Path) -> None:
    write_character_tokenizer([TEXT], str(tmp_path / "c.model"), max_size=50)
    characters = CharacterTokenizer(str(tmp_path / "c.model"))
    ids = text_ids(characters, TEXT)
    assert len(ids) == len(TEXT)
    assert EOS_ID not in ids
    reader = TextOfIds(characters, ids)
    assert [reader.add(i) for i in ids] == list(TEXT)
