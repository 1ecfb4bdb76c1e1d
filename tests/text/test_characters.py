"""Characters as tokens: only rare ones are lost, and a damaged file is reported."""

from pathlib import Path

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import EOS_ID, UNK_ID
from seq2seq_tf.text.characters import CharacterTokenizer, write_character_tokenizer
from seq2seq_tf.text.tokenizer import load_tokenizer


@pytest.fixture
def model(tmp_path: Path) -> CharacterTokenizer:
    write_character_tokenizer(["hello\n", "héé\t"], str(tmp_path / "c.model"), max_size=9)
    loaded = load_tokenizer(str(tmp_path / "c.model"))
    assert isinstance(loaded, CharacterTokenizer)
    return loaded


def test_the_most_frequent_characters_are_kept_with_ties_ordered_by_code_point(model: CharacterTokenizer) -> None:
    assert model.characters == ("h", "l", "é", "\t", "\n")
    assert model.vocab_size == 9


def test_known_characters_are_restored_and_others_are_unknown(model: CharacterTokenizer) -> None:
    ids = model.encode(["hél\n", "", "oh"])
    assert model.decode(ids) == ["hél\n", "", "\ufffdh"]
    assert ids[2][0] == UNK_ID
    assert model.decode([[*ids[0], EOS_ID]]) == ["hél\n"]
    assert model.pieces([EOS_ID, *ids[0]]) == ["</s>", "h", "é", "l", "\n"]


def test_empty_text_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(InputError, match="x: no characters"):
        write_character_tokenizer([], str(path), max_size=9)
    assert not path.exists()
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="x: not a character tokenizer"):
        CharacterTokenizer(str(path))
    with pytest.raises(InputError, match="cannot be read"):
        load_tokenizer(str(tmp_path / "none"))
    path.write_bytes(b"\x00\x01")
    with pytest.raises(InputError, match="x: not a SentencePiece model"):
        load_tokenizer(str(path))
