"""Text survives being split into pieces, and tensorflow-text splits it exactly as sentencepiece does."""

import inspect
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq_tf.config.common import PIECE_MODELS
from seq2seq_tf.data.batching import pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq_tf.tasks.translation.config import TranslationDataConfig
from seq2seq_tf.text.sentencepiece import SentencePieceGraphTokenizer, SentencePieceTokenizer, train_piece_model
from tests.toy import ROOT

REAL_CORPUS = ROOT / "data" / "libreoffice_en_de" / "valid.en"
NO_LIMIT = 1_000_000

# Building blocks rather than arbitrary code points: sentencepiece composes a mark with its letter, but does not reorder
# several marks on one letter as NFKC does, and its "nmt" rules turn control and zero-width characters into spaces.
EMOJI = ("\U0001f600", "\U0001f44d\U0001f3fd", "\U0001f468‍\U0001f469‍\U0001f467", "\U0001f1e9\U0001f1ea", "❤️")
MARKED = tuple(letter + mark for letter in "aeonAEON" for mark in "\u0300\u0301\u0302\u0303\u0308\u0323")
KOREAN = ("한국어", "말", "\u1112\u1161\u11ab", "\u1100\u1161", "ㅋㅋ")
RIGHT_TO_LEFT = ("שלום", "שָׁלוֹם", "مرحبا", "عَرَبِيّ", "۱۲۳")
OTHERS = ("日本語。", "ﬁ", "Ａ１", "①", "½", "…", "ß", "İ", "<s>", "</s>", "<pad>", "<unk>", "<0x41>", "\\n", "x" * 700)
SPACES = (" ", "  ", "\t", "\u00a0", "\u3000", "\u2003")
BLOCKS = st.sampled_from((*EMOJI, *MARKED, *KOREAN, *RIGHT_TO_LEFT, *OTHERS, *SPACES))
LATIN = st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_categories=["Cc", "Cf"])
TEXTS = st.lists(BLOCKS | LATIN, max_size=20).map("".join)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def real_text() -> Iterator[str]:
    """Yields the validation set of a real corpus if it exists, otherwise docstrings of Python's standard library."""
    if REAL_CORPUS.exists():
        yield from REAL_CORPUS.read_text(encoding="utf-8").splitlines()
        return
    import argparse
    import collections
    import contextlib
    import dataclasses
    import functools
    import itertools
    import logging
    import pathlib
    import shutil
    import subprocess
    import tarfile
    import textwrap

    modules = (argparse, collections, contextlib, dataclasses, functools, inspect, itertools, logging, pathlib, shutil)
    for module in (*modules, subprocess, tarfile, textwrap, unicodedata):
        for _, member in inspect.getmembers(module):
            yield from filter(str.strip, (inspect.getdoc(member) or "").splitlines())


@pytest.fixture(scope="module")
def text() -> list[str]:
    return list(real_text())


@pytest.fixture(scope="module", params=PIECE_MODELS)
def pieces(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, text: list[str]
) -> SentencePieceTokenizer:
    """A piece model of each kind, trained on real text, with byte fallback for unknown characters."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "text").write_text("\n".join(text), encoding="utf-8")
    config = TranslationDataConfig(vocab_size=997, piece_model=request.param)
    train_piece_model([str(folder / "text")], str(folder / "pieces.model"), config, normalization="nmt_nfkc")
    return SentencePieceTokenizer(str(folder / "pieces.model"))


@pytest.fixture(scope="module")
def graph(pieces: SentencePieceTokenizer) -> SentencePieceGraphTokenizer:
    return SentencePieceGraphTokenizer(pieces.path)


def normal(text: str) -> str:
    """Applies the changes that splitting and joining may make: NFKC, and runs of white space become one space."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def train(folder: Path, text: str | bytes, **options: object) -> SentencePieceTokenizer:
    path = folder / "text"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    config = TranslationDataConfig(**options)  # type: ignore[arg-type]
    train_piece_model([str(path)], str(folder / "pieces.model"), config, normalization=config.target_normalization)
    return SentencePieceTokenizer(str(folder / "pieces.model"))


@given(given_text=TEXTS)
@example(given_text="")
@example(given_text=" \t\u3000 ")
@example(given_text="x" * 20_000)
@example(given_text="\U0001f468‍\U0001f469‍\U0001f467" * 50)
@settings(max_examples=100, deadline=None)
def test_text_is_restored_in_normalised_form(pieces: SentencePieceTokenizer, given_text: str) -> None:
    ids = pieces.encode([given_text])
    assert pieces.decode(ids) == [normal(given_text)]
    assert not {PAD_ID, UNK_ID, BOS_ID, EOS_ID} & set(ids[0])


@given(texts=st.lists(ANY_TEXT | TEXTS, min_size=1, max_size=5))
@example(texts=["", "\0", "\u200c\u200b\ufeff", "\ufffd", "\u2581", "e\u0301\u0323", "\U0010ffff"])
@settings(max_examples=40, deadline=None)
def test_any_text_is_split_and_joined_in_the_graph_as_outside(
    pieces: SentencePieceTokenizer, graph: SentencePieceGraphTokenizer, texts: list[str]
) -> None:
    ids = pieces.encode(texts)
    in_graph = graph.encode(tf.constant(texts), tf.constant(NO_LIMIT))
    np.testing.assert_array_equal(in_graph, pad_rows(ids, last=EOS_ID))
    assert [t.decode() for t in graph.decode(in_graph).numpy()] == pieces.decode(ids)


def test_a_whole_corpus_is_split_and_joined_in_the_graph_as_outside(
    pieces: SentencePieceTokenizer, graph: SentencePieceGraphTokenizer, text: list[str]
) -> None:
    assert len(text) >= 500
    ids = pieces.encode(text, threads=2)
    in_graph = graph.encode(tf.constant(text), tf.constant(NO_LIMIT))
    np.testing.assert_array_equal(in_graph, pad_rows(ids, last=EOS_ID))
    joined = pieces.decode(ids)
    assert [t.decode() for t in graph.decode(in_graph).numpy()] == joined
    assert joined == [normal(line) for line in text]


def test_threads_do_not_change_the_pieces(pieces: SentencePieceTokenizer, text: list[str]) -> None:
    assert pieces.encode(text, threads=2) == pieces.encode(text)


def test_the_graph_truncates_rows_to_the_limit_before_eos(
    pieces: SentencePieceTokenizer, graph: SentencePieceGraphTokenizer
) -> None:
    texts = ["x" * 40, "y", ""]
    ids = [row[:5] for row in pieces.encode(texts)]
    np.testing.assert_array_equal(graph.encode(tf.constant(texts), tf.constant(5)), pad_rows(ids, last=EOS_ID))


def test_special_ids_are_omitted_when_joined_but_unk_is_shown(
    pieces: SentencePieceTokenizer, graph: SentencePieceGraphTokenizer
) -> None:
    ids = pieces.encode(["to be"])[0]
    rows = [[BOS_ID, *ids, EOS_ID, PAD_ID], [PAD_ID] * (len(ids) + 3), [UNK_ID, *ids, EOS_ID, PAD_ID]]
    joined = pieces.decode(rows)
    assert joined[:2] == ["to be", ""]
    assert joined[2].endswith("to be")
    assert "⁇" in joined[2]
    assert [t.decode() for t in graph.decode(tf.constant(rows)).numpy()] == joined
    assert pieces.decode([]) == []


def test_ids_may_be_numpy_rows(pieces: SentencePieceTokenizer) -> None:
    ids = pieces.encode(["to be", "or not to be"])
    rows: Any = pad_rows(ids, last=EOS_ID)
    assert pieces.decode(rows) == ["to be", "or not to be"]
    assert pieces.pieces(np.array(ids[0])) == pieces.pieces(ids[0])
    assert "".join(pieces.pieces(ids[0])).replace("▁", " ").strip() == "to be"


def test_sampled_pieces_are_reproducible_by_seed_and_give_the_same_text(
    pieces: SentencePieceTokenizer, text: list[str]
) -> None:
    texts = text[:100]
    first, other, again = (pieces.encode_sampled(texts, noise=0.2, seed=seed) for seed in (7, 11, 7))
    assert first == again
    assert first != other
    assert first != pieces.encode(texts)
    assert pieces.decode(first) == pieces.decode(other) == pieces.decode(pieces.encode(texts))


def test_without_noise_bpe_sampling_gives_the_best_pieces(tmp_path: Path, text: list[str]) -> None:
    pieces = train(tmp_path, "\n".join(text), vocab_size=499, piece_model="bpe")
    assert pieces.encode_sampled(text[:50], noise=0.0, seed=3) == pieces.encode(text[:50])


def test_without_byte_fallback_an_unknown_character_is_unk(tmp_path: Path) -> None:
    pieces = train(tmp_path, "ba be bi bo bu\n" * 5, vocab_size=15, byte_fallback=False)
    assert pieces.encode(["ba漢"])[0].count(UNK_ID) == 1


def test_lowercase_folds_the_text(tmp_path: Path) -> None:
    pieces = train(tmp_path, "Ein Haus, zwei HÄUSER\n" * 5, vocab_size=290, lowercase=True)
    assert pieces.decode(pieces.encode(["ZWEI Häuser"])) == ["zwei häuser"]


def test_the_vocabulary_has_the_requested_size(pieces: SentencePieceTokenizer) -> None:
    assert pieces.vocab_size == 997


def test_training_is_reproducible(tmp_path: Path, text: list[str]) -> None:
    models = []
    for name in "ab":
        (tmp_path / name).mkdir()
        models.append(Path(train(tmp_path / name, "\n".join(text[:200]), vocab_size=499).path).read_bytes())
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("text", "options", "parts"),
    [
        (
            "ba be bi\n",
            {"vocab_size": 8000},
            ["data.vocab_size=8000", "only 272 pieces", "data.vocab_size=272 or less"],
        ),
        ("ba be bi\n", {"vocab_size": 99}, ["data.vocab_size=99", "need 265 pieces", "data.character_coverage"]),
        ("", {}, ["text", "no text"]),
        (" \n\t\n", {"piece_model": "unigram"}, ["text", "no text"]),
        (b"ba\nb\xffe\n", {"vocab_size": 300}, ["text:2", "invalid UTF-8"]),
    ],
)
def test_text_unfit_for_a_model_is_refused_in_one_line(
    tmp_path: Path, text: str | bytes, options: dict[str, object], parts: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        train(tmp_path, text, **options)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_a_unigram_vocabulary_that_is_too_large_shrinks(tmp_path: Path) -> None:
    assert train(tmp_path, "ba be bi\n" * 5, vocab_size=8000, piece_model="unigram").vocab_size < 300


def test_a_file_that_is_not_a_model_is_refused_in_one_line(tmp_path: Path, pieces: SentencePieceTokenizer) -> None:
    model = Path(pieces.path).read_bytes()
    contents = {"text": b"ba be bi\n" * 50, "empty": b"", "cut": model[: len(model) // 2], "missing": None}
    for name, content in contents.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            SentencePieceTokenizer(str(path))
        assert str(caught.value).startswith(f"{path}: not a SentencePiece model")
        assert "\n" not in str(caught.value)


def test_a_model_with_different_special_ids_is_refused(tmp_path: Path) -> None:
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["ba be bi bo bu"] * 5),
        model_writer=model,
        vocab_size=15,
        model_type="bpe",
        minloglevel=2,
    )
    (tmp_path / "foreign").write_bytes(model.getvalue())
    with pytest.raises(InputError, match=r"foreign.*0, 1, 2, 3.*\(-1, 0, 1, 2\)"):
        SentencePieceTokenizer(str(tmp_path / "foreign"))


class Both(tf.Module):
    """Two tokenizers in one SavedModel, like those of source and target."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__()
        self.first, self.second = SentencePieceGraphTokenizer(first), SentencePieceGraphTokenizer(second)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def encode(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.first.encode(texts, tf.constant(NO_LIMIT)), self.second.encode(texts, tf.constant(NO_LIMIT))


def test_two_tokenizers_in_a_saved_model_stay_separate(tmp_path: Path) -> None:
    models = []
    for name in ("ab ba aab", "xy yx xxy"):
        (tmp_path / name).mkdir()
        models.append(train(tmp_path / name, f"{name}\n" * 20, vocab_size=12, byte_fallback=False))
    tf.saved_model.save(Both(models[0].path, models[1].path), str(tmp_path / "saved"))
    found = tf.saved_model.load(str(tmp_path / "saved")).encode(tf.constant(["ab xxy"]))
    assert [ids.numpy().tolist() for ids in found] == [
        pad_rows(model.encode(["ab xxy"]), last=EOS_ID).tolist() for model in models
    ]
