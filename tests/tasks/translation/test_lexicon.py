"""The lexicon learns a made-up language with known translations, and candidates are what the search needs."""

from pathlib import Path

import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import EOS_ID, PAD_ID
from seq2seq_tf.tasks.translation.corpus import Corpus, Side
from seq2seq_tf.tasks.translation.lexicon import MAX_TRANSLATIONS, Lexicon, learn_lexicon, load_lexicon

SOURCE_VOCAB, TARGET_VOCAB = 31, 41
FIRST = EOS_ID + 1


def side(rows: list[np.ndarray]) -> Side:
    return Side(np.concatenate(rows).astype(np.uint16), np.cumsum([0, *map(len, rows)]))


@pytest.fixture
def lexicon(rng: np.random.Generator) -> Lexicon:
    """A lexicon of piece n -> n + 7, in any order, with a piece 39 in each target sentence that translates nothing."""
    sources = [rng.integers(FIRST, SOURCE_VOCAB, rng.integers(2, 8)) for _ in range(300)]
    targets = [rng.permutation(np.append(source + 7, 39)) for source in sources]
    return learn_lexicon(Corpus(side(sources), side(targets)), SOURCE_VOCAB, TARGET_VOCAB, joint=False)


def test_the_likeliest_translation_is_found(lexicon: Lexicon) -> None:
    assert lexicon.best.shape == (SOURCE_VOCAB, MAX_TRANSLATIONS)
    np.testing.assert_array_equal(lexicon.best[FIRST:, 0], np.arange(FIRST, SOURCE_VOCAB) + 7)
    assert (lexicon.best[EOS_ID] == PAD_ID).all()  # never seen
    assert lexicon.frequent[0] == 39


def test_candidates_are_special_frequent_and_likely_pieces_in_ascending_order(lexicon: Lexicon) -> None:
    few = lexicon._replace(frequent=np.array([39]))
    found = few.candidates(np.array([[11, 5, EOS_ID, PAD_ID]]), 1)
    np.testing.assert_array_equal(found, [0, 1, 2, 3, 5 + 7, 11 + 7, 39])
    assert set(found) < set(few.candidates(np.array([[11, 5]]), 4))
    copied = few._replace(joint=True).candidates(np.array([[11, 5]]), 1)
    np.testing.assert_array_equal(copied, [0, 1, 2, 3, 5, 11, 5 + 7, 11 + 7, 39])


def test_a_lexicon_is_restored_from_its_file_and_a_damaged_one_is_named(lexicon: Lexicon, tmp_path: Path) -> None:
    path = tmp_path / "lexicon.npz"
    lexicon.save(str(path))
    for found, expected in zip(load_lexicon(str(path)), lexicon, strict=True):
        np.testing.assert_array_equal(found, expected)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match=r"lexicon\.npz: damaged"):
        load_lexicon(str(path))
