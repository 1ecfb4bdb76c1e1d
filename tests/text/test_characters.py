"""Characters as symbols: nothing is lost but what is rare, and a damaged file is named."""

from pathlib import Path

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import EOS_ID, UNK_ID
from seq2seq_tf.text.characters import CharacterModel, load_symbols, write_character_model


@pytest.fixture
def model(tmp_path: Path) -> CharacterModel:
    write_character_model(["hello\n", "héé\t"], str(tmp_path / "c.model"), most=9)
    loaded = load_symbols(str(tmp_path / "c.model"))
    assert isinstance(loaded, CharacterModel)
    return loaded


def test_the_most_frequent_characters_are_kept_and_ties_go_by_code_point(model: CharacterModel) -> None:
    assert model.characters == ("h", "l", "é", "\t", "\n")
    assert model.vocab_size == 9


def test_known_characters_come_back_and_others_are_unknown(model: CharacterModel) -> None:
    ids = model.encode(["hél\n", "", "oh"])
    assert model.decode(ids) == ["hél\n", "", "\ufffdh"]
    assert ids[2][0] == UNK_ID
    assert model.decode([[*ids[0], EOS_ID]]) == ["hél\n"]
    assert model.pieces([EOS_ID, *ids[0]]) == ["</s>", "h", "é", "l", "\n"]


def test_no_text_and_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(InputError, match="x: no characters"):
        write_character_model([], str(path), most=9)
    assert not path.exists()
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="x: not a character model"):
        CharacterModel(str(path))
    with pytest.raises(InputError, match="cannot be read"):
        load_symbols(str(tmp_path / "none"))
    path.write_bytes(b"\x00\x01")
    with pytest.raises(InputError, match="x: not a SentencePiece model"):
        load_symbols(str(path))
