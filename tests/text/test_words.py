"""Whole words as tokens."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq_tf.text.words import WordTokenizer, write_word_tokenizer


@pytest.fixture
def words(tmp_path: Path) -> WordTokenizer:
    write_word_tokenizer(["a", "nine", "über"], str(tmp_path / "labels.txt"))
    return WordTokenizer(str(tmp_path / "labels.txt"))


def test_words_are_restored(words: WordTokenizer) -> None:
    texts = ["a nine", "über a a", ""]
    assert words.vocab_size == 4 + 3
    assert words.decode(words.encode(texts)) == texts
    assert words.encode(["a  nine "]) == words.encode(["a nine"])
    assert words.pieces(words.encode(["über nine"])[0]) == ["über", "nine"]


def test_unknown_words_and_special_ids_are_shown_as_such(words: WordTokenizer) -> None:
    ids = words.encode(["a ten"])[0]
    assert ids[1] == UNK_ID
    assert words.decode([[BOS_ID, *ids, EOS_ID, PAD_ID]]) == ["a <unk>"]
    assert words.pieces([EOS_ID]) == ["</s>"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nnine\na\n", r"labels\.txt:3: .* got 'a'"),
        (b"a\n\nnine\n", r"labels\.txt:2: .* got ''"),
        (b"a nine\n", r"labels\.txt:1: must be a single word"),
        (b"", "contains no words"),
        (b"a\n\xff\n", "cannot be read"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_not_a_list_of_words_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        WordTokenizer(str(tmp_path / "labels.txt"))
