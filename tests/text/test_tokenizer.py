"""All tokenizers follow one protocol, with the same ids and the same text in bulk and inside a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import EOS_ID, PAD_ID, UNK_ID
from seq2seq_tf.tasks.translation.config import TranslationDataConfig
from seq2seq_tf.text.characters import CharacterTokenizer, write_character_tokenizer
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer, train_piece_model
from seq2seq_tf.text.tokenizer import Tokenizer, load_tokenizer, non_empty
from seq2seq_tf.text.words import WordTokenizer, write_word_tokenizer

TEXTS = ["ma lo", "", "lo \u00fcber lo", "gin"]  # known to every tokenizer


@pytest.fixture(scope="module", params=["characters", "pieces", "words"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp(request.param)
    path = str(folder / "t.model")
    if request.param == "characters":
        write_character_tokenizer(TEXTS, path, max_size=50)
        return load_tokenizer(path)
    if request.param == "words":
        write_word_tokenizer(["ma", "lo", "\u00fcber", "gin"], path)
        return WordTokenizer(path)
    (folder / "text").write_text("\n".join(TEXTS), encoding="utf-8")
    train_piece_model([str(folder / "text")], path, TranslationDataConfig(vocab_size=280), normalization="identity")
    return load_tokenizer(path)


def test_the_classes_follow_the_protocol() -> None:
    kinds: tuple[type[Tokenizer], ...] = (CharacterTokenizer, SentencePieceTokenizer, WordTokenizer)  # checked by mypy
    assert {kind.units for kind in kinds} == {"characters", "pieces", "words"}
    assert [kind.character_level for kind in kinds] == [True, False, False]


def test_known_text_is_restored_and_ids_are_in_the_vocabulary(tokenizer: Tokenizer) -> None:
    rows = tokenizer.encode(TEXTS)
    assert tokenizer.decode(rows) == TEXTS
    assert all(EOS_ID < i < tokenizer.vocab_size for row in rows for i in row)
    assert tokenizer.encode(TEXTS, threads=2) == rows
    assert tokenizer.decode([]) == []


def test_each_id_has_a_piece_of_text(tokenizer: Tokenizer) -> None:
    row = tokenizer.encode(TEXTS)[2]
    assert len(tokenizer.pieces(row)) == len(row)
    assert "".join(tokenizer.pieces(np.asarray(row))).replace("\u2581", "").replace(" ", "") == "lo\u00fcberlo"
    assert len(tokenizer.pieces(range(tokenizer.vocab_size))) == tokenizer.vocab_size


def test_special_ids_other_than_unk_are_omitted_from_text(tokenizer: Tokenizer) -> None:
    row = tokenizer.encode(TEXTS)[0]
    assert tokenizer.decode([[*row, EOS_ID, PAD_ID]]) == [TEXTS[0]]
    assert tokenizer.decode([[UNK_ID]]) != [""]


def test_the_graph_gives_the_same_ids_and_texts(tokenizer: Tokenizer) -> None:
    graph = tokenizer.in_graph()
    texts = [*TEXTS, "lo \u4e16\u754c gin"]  # unknown
    encode = tf.function(graph.encode, autograph=False)
    ids = encode(tf.constant(texts), tf.constant(99)).numpy()
    rows = tokenizer.encode(texts)
    assert ids.shape == (len(texts), max(map(len, rows)) + 1)
    for found, row in zip(ids, rows, strict=True):
        assert found.tolist() == [*row, EOS_ID] + [PAD_ID] * (ids.shape[1] - len(row) - 1)
    decoded = [text.decode() for text in tf.function(graph.decode, autograph=False)(ids).numpy()]
    assert decoded == tokenizer.decode(rows)
    cut = encode(tf.constant(texts), tf.constant(2)).numpy()
    assert [row[:2] for row in rows] == [[i for i in row if i not in (EOS_ID, PAD_ID)] for row in cut.tolist()]
    assert encode(tf.zeros([0], tf.string), tf.constant(2)).shape == (0, 1)


def test_empty_texts_are_determined_after_encoding(tokenizer: Tokenizer) -> None:
    texts = ["ma", "", " ", "\u200b"]
    kept = non_empty(texts, tokenizer.encode(texts), tokenizer)
    assert kept[:3] == [True, False, False]


def test_a_file_that_is_not_a_tokenizer_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.model"
    path.write_text("nothing")
    with pytest.raises(InputError, match=f"^{path}: not a SentencePiece model"):
        load_tokenizer(str(path))
    path.write_text("{}")
    with pytest.raises(InputError, match=f"^{path}: not a character tokenizer"):
        load_tokenizer(str(path))
    with pytest.raises(InputError, match="cannot be read"):
        load_tokenizer(str(tmp_path / "none"))
