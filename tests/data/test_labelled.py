"""Labelled texts: read strictly, stored as ids, and divided into parts by a pure function."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq_tf.data.labelled import (
    draw_spans,
    label_files,
    load_ids,
    pack_ids,
    read_labelled,
    save_ids,
    snippets,
)
from seq2seq_tf.errors import InputError

ROWS = [[5, 7, 4], [11], [], [6, 6, 9, 8, 13]]


def test_labels_are_the_names_of_the_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "nl.txt").write_text("een\n\ntwee\n")
    (tmp_path / "de.txt.gz").write_bytes(gzip.compress(b"eins\n"))
    (tmp_path / "README.md").write_text("no label\n")
    (tmp_path / ".hidden.txt").write_text("no label\n")
    assert list(label_files(str(tmp_path))) == ["de", "nl"]
    assert read_labelled(str(tmp_path), ("de", "en", "nl")) == (["eins", "een", "twee"], [0, 2, 2], 1)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, ["no files LABEL.txt"]),
        ({"de.txt": b"\n \n"}, ["de.txt: contains no text"]),
        ({"de.txt": b"gut\n\xff\n"}, ["de.txt:2", "0xff"]),
        ({"fr.txt": b"un\n"}, ["fr.txt", "'fr'", "de, en"]),
        ({"de.txt": b"gut\n", "de.txt.gz": b""}, ["de.txt.gz", "'de'", "already"]),
    ],
)
def test_flaws_of_a_folder_are_reported(tmp_path: Path, files: dict[str, bytes], words: list[str]) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        read_labelled(str(tmp_path), ("de", "en"))
    assert all(word in str(error.value) for word in words)
    with pytest.raises(InputError, match="no such folder"):
        label_files(str(tmp_path / "missing"))


def test_saved_ids_are_restored_and_a_damaged_file_is_reported(tmp_path: Path) -> None:
    packed = pack_ids(ROWS, [2, 0, 1, 2])
    save_ids(str(tmp_path / "train"), packed)
    loaded = load_ids(str(tmp_path / "train"))
    for mine, theirs in zip(loaded, packed, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert loaded.lengths().tolist() == [3, 1, 0, 5]
    assert not list(tmp_path.glob("*.tmp"))
    (tmp_path / "train.labels.npy").write_bytes(b"")
    with pytest.raises(InputError, match=r"train\.labels\.npy: missing or damaged"):
        load_ids(str(tmp_path / "train"))


@given(
    lengths=st.lists(st.integers(0, 60), min_size=1, max_size=50),
    share=st.floats(0.0, 1.0),
    shortest=st.integers(1, 30),
    epoch=st.integers(0, 9),
)
@settings(max_examples=80, deadline=None)
def test_a_part_is_within_its_text_and_long_enough(lengths: list[int], share: float, shortest: int, epoch: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    start, length = draw_spans(offsets, share=share, shortest=shortest, seed=3, epoch=epoch)
    assert (start >= offsets[:-1]).all()
    assert (start + length <= offsets[1:]).all()
    assert (length >= np.minimum(lengths, shortest)).all()


def test_parts_are_a_pure_function_of_seed_and_epoch() -> None:
    offsets = np.arange(0, 1001 * 53, 53)

    def draw(seed: int, epoch: int, share: float = 0.6) -> list[list[int]]:
        return np.stack(draw_spans(offsets, share=share, shortest=7, seed=seed, epoch=epoch)).tolist()

    assert draw(1, 2) == draw(1, 2)
    assert draw(1, 2) != draw(1, 3)
    assert draw(1, 2) != draw(2, 2)
    assert draw(1, 2, share=0.0) == [offsets[:-1].tolist(), [53] * 1000]
    lengths = np.array(draw(1, 2)[1])
    assert 0.35 < (lengths == 53).mean() < 0.45 + 0.1 / 53 + 0.02
    assert lengths.min() == 7


def test_snippets_are_parts_of_their_texts_and_depend_on_the_seed() -> None:
    texts = ["abcdefghijklmnopqrstuvwxyz", "short", ""]
    found = snippets(texts, 7, seed=1)
    assert found[0] in texts[0]
    assert [len(text) for text in found] == [7, 5, 0]
    assert len({snippets(texts, 7, seed=n)[0] for n in range(20)}) > 5
    assert found == snippets(texts, 7, seed=1)
