"""Streams: every token is read once, each row continues where its last chunk ended, and ids decode to the text."""

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.data.batching import plan_chunks
from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import BOS_ID, UNK_ID
from seq2seq_tf.tasks.language_model.streams import (
    epoch_offset,
    iter_chunks,
    load_stream,
    row_length,
    write_stream,
)
from seq2seq_tf.text.characters import CharacterTokenizer, write_character_tokenizer

TEXT = "caf\u00e9 noir\n\nun caf\u00e9\n"


@pytest.fixture
def characters(tmp_path: Path) -> CharacterTokenizer:
    write_character_tokenizer([TEXT], str(tmp_path / "c.model"), max_size=50)
    return CharacterTokenizer(str(tmp_path / "c.model"))


def test_files_begin_with_bos_and_ids_decode_to_characters(characters: CharacterTokenizer, tmp_path: Path) -> None:
    size = write_stream([TEXT, "", "u\u4e2d"], characters, str(tmp_path / "s"))
    assert size == (3, len(TEXT) + 2, len(TEXT) + 5, 1)
    assert "1 of them unknown" in str(size)
    stream = load_stream(str(tmp_path / "s"))
    assert stream.size == size
    assert stream.ids.dtype == np.uint16
    assert np.flatnonzero(stream.ids == BOS_ID).tolist() == [0, len(TEXT) + 1, len(TEXT) + 2]
    assert characters.decode([stream.ids[1 : len(TEXT) + 1].tolist()]) == [TEXT]
    assert stream.ids[-1] == UNK_ID


def test_an_empty_text_is_refused_and_a_damaged_stream_named(characters: CharacterTokenizer, tmp_path: Path) -> None:
    prefix = str(tmp_path / "s")
    with pytest.raises(InputError, match="the text is empty"):
        write_stream(["", ""], characters, prefix)
    with pytest.raises(InputError, match=r"s\.json: missing or damaged"):
        load_stream(prefix)
    write_stream([TEXT], characters, prefix)
    Path(prefix + ".ids").write_bytes(Path(prefix + ".ids").read_bytes()[:-2])
    with pytest.raises(InputError, match=rf"s\.ids: contains {len(TEXT)} ids, expected {len(TEXT) + 1}"):
        load_stream(prefix)


@pytest.mark.parametrize(("symbols", "rows", "chunk"), [(31, 3, 4), (30, 5, 7), (13, 1, 13), (11, 2, 1), (7, 7, 3)])
def test_an_epoch_reads_each_token_once_and_leaves_out_fewer_than_rows(symbols: int, rows: int, chunk: int) -> None:
    ids = np.arange(100, 100 + symbols, dtype=np.uint16)
    offset = 5
    chunks = plan_chunks(row_length(symbols, rows), chunk)
    batches = list(iter_chunks(ids, rows, offset, chunks))
    assert all(b.dtype == np.int32 and b.shape[0] == rows and 2 <= b.shape[1] <= chunk + 1 for b in batches)
    read = np.concatenate([b[:, :-1] for b in batches], 1)  # [rows, N // rows]
    predicted = np.concatenate([b[:, 1:] for b in batches], 1)
    assert len(set(read.ravel())) == read.size > symbols - rows
    assert read.ravel().tolist() == np.roll(ids, -offset)[: read.size].tolist()
    assert predicted.ravel().tolist() == np.roll(ids, -offset - 1)[: read.size].tolist()


def test_chunks_from_the_middle_are_those_of_the_whole_epoch() -> None:
    ids, chunks = np.arange(53), plan_chunks(row_length(53, 4), 3)
    whole = list(iter_chunks(ids, 4, 11, chunks))
    for n, batch in enumerate(iter_chunks(ids, 4, 11, chunks[2:])):
        np.testing.assert_array_equal(batch, whole[n + 2])


def test_the_offset_is_a_function_of_seed_and_epoch() -> None:
    found = {(seed, epoch): epoch_offset(10**6, seed, epoch) for seed in range(3) for epoch in range(5)}
    assert len(set(found.values())) == 15
    assert all(epoch_offset(10**6, *key) == value for key, value in found.items())
