"""Each normalisation rule keeps and changes the same characters in bulk and in the graph."""

import io
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import tensorflow as tf
from sentencepiece import sentencepiece_model_pb2

from seq2seq_tf.config.common import NORMALIZATIONS
from seq2seq_tf.data.batching import pad_rows
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.translation.config import TranslationDataConfig
from seq2seq_tf.text.normalization import NONE_CHANGED, Changed, Normalizer
from seq2seq_tf.text.sentencepiece import (
    PieceText,
    SentencePieceGraphTokenizer,
    SentencePieceTokenizer,
    train_piece_models,
)
from tests import toy

CLEAN = [  # as in published text
    "你好，世界！（《红楼梦》第１回）",
    "「はい。」と彼は言った……　次の日、",
    "می‌خواهم به خانه‌ها بروم.",
    "Das kostet 5 m² und ½ l, „sagt er“ – 10 € … Straße ™",
    "Il a dit : « non » !",
    "नमस्ते क़लम, ড়",
    "Ὀδυσσεύς ἔφη",
    "한국어 문장, 神",
    "สวัสดี​ชาวโลก",
    "e\u0301 and é",
    "👨‍👩‍👧 ❤️",
]
GLUED = [
    "a\x01b",
    "a\tb",
    "a\u2028b",
    "a\u2029b",
    "a\u2581b",
    "a\x0bb",
    "a\x1fb",
    "a\x7fb",
    "a\x80b",
    "a\x85b",
    "a\x9fb",
]
HOSTILE = [
    *GLUED,
    "",
    " ",
    "\u200b",
    "\ufeff",
    "\u00ad",
    "\0",
    "\x01",
    "a\0b",
    "\ufffd",
    "\u1112\u1161\u11ab",
    "ế",
    "ẾẬ",
]


@pytest.fixture(scope="module", params=NORMALIZATIONS)
def rule(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pieces(rule: str, tmp_path_factory: pytest.TempPathFactory) -> SentencePieceTokenizer:
    folder = tmp_path_factory.mktemp(rule)
    (folder / "text").write_text("".join(f"{line}\n" for line in CLEAN * 3), encoding="utf-8")
    path = str(folder / "pieces.model")
    train_piece_models([PieceText((str(folder / "text"),), rule, path)], TranslationDataConfig(vocab_size=420))
    return SentencePieceTokenizer(path)


def test_splitting_is_the_same_in_bulk_and_in_the_graph_under_each_rule(
    pieces: SentencePieceTokenizer, rule: str
) -> None:
    texts = [*CLEAN, *HOSTILE, *(unicodedata.normalize("NFD", text) for text in CLEAN)]
    ids = pieces.encode(texts)
    graph = SentencePieceGraphTokenizer(pieces.path)
    in_graph = graph.encode(tf.constant(texts), tf.constant(10_000))
    np.testing.assert_array_equal(in_graph, pad_rows(ids, last=EOS_ID))
    joined = pieces.decode(ids)
    assert [text.decode() for text in graph.decode(in_graph).numpy()] == joined == pieces.written_back(ids)
    assert joined == Normalizer(rule)(texts)


def test_no_rule_joins_words(pieces: SentencePieceTokenizer) -> None:
    assert pieces.decode(pieces.encode(GLUED)) == ["a b"] * len(GLUED)
    others = ["a\u00a0b", "a\u3000b", "a\u200bb", "a\ufeffb", "a\0b", "a\u202fb"]
    assert "ab" not in pieces.decode(pieces.encode(others))


def test_a_text_of_control_characters_has_nothing_to_read_under_any_rule(pieces: SentencePieceTokenizer) -> None:
    controls = [chr(n) for n in (*range(1, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)]
    assert pieces.encode([*controls, "".join(controls)]) == [[]] * (len(controls) + 1)


def test_clean_lines_are_restored_exactly_under_the_default_target_rule() -> None:
    rule = TranslationDataConfig().target_normalization
    assert Normalizer(rule)(CLEAN) == CLEAN


def test_nfc_composes_what_unicode_composes() -> None:
    others = {0x2028, 0x2029, 0x2581, *range(0xD800, 0xE000)}  # spaces under every rule; surrogates
    characters = [chr(n) for n in range(0xA0, 0x30000) if n not in others]
    composed = [character for character in characters if unicodedata.normalize("NFC", character) == character]
    parted = ["字" + unicodedata.normalize("NFD", character) for character in composed]
    assert Normalizer("nfc")(parted) == ["字" + character for character in composed]


def test_case_is_folded_under_each_rule(rule: str) -> None:
    composed = "e\u0301" if rule == "identity" else "é"
    assert Normalizer(rule, lowercase=True)(["Ein HÄUSER É E\u0301"]) == [f"ein häuser é {composed}"]


def changed_by(rule: str, lines: list[str]) -> Changed:
    """Counts line by line, as a corpus is counted chunk by chunk."""
    normalizer, changed = Normalizer(rule), NONE_CHANGED
    for line in lines:
        changed = changed.followed_by([line], normalizer([line]))
    return changed


def test_changed_lines_are_counted_with_the_first_as_an_example() -> None:
    lines = ["plain", "5 m²", "two  spaces", "½"]
    identity = "1 of 4 lines, the first is line 3: 'two  spaces' becomes 'two spaces'"
    assert str(changed_by("identity", lines)) == identity
    found = changed_by("nmt_nfkc", lines)
    assert (found.lines, found.changed, found.number, found.before, found.after) == (4, 3, 2, "5 m²", "5 m2")
    assert str(changed_by("nfkc", ["plain"])) == "0 of 1 lines"


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_joint_vocabulary_equals_that_of_sentencepiece_with_a_rule_for_each_side(tmp_path: Path, kind: str) -> None:
    corpus = toy.make_corpus(tmp_path, seed=3)
    paths = [str(tmp_path / name) for name in ("source.model", "target.model")]
    texts = [
        PieceText((str(file),), rule, path)
        for file, rule, path in zip(corpus[:2], ("nmt_nfkc", "identity"), paths, strict=True)
    ]
    train_piece_models(texts, TranslationDataConfig(vocab_size=60, piece_model=kind, byte_fallback=False))
    plain = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line for file in corpus[:2] for line in file.read_text().splitlines()),
        model_writer=plain,
        model_type=kind,
        vocab_size=60,
        character_coverage=1.0,
        normalization_rule_name="nmt_nfkc",
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        hard_vocab_limit=kind == "bpe",
        minloglevel=2,
    )
    proto = sentencepiece_model_pb2.ModelProto  # type: ignore[attr-defined]  # protobuf creates it on import
    models = [proto.FromString(Path(path).read_bytes()) for path in paths]
    expected = proto.FromString(plain.getvalue())
    assert list(models[0].pieces) == list(models[1].pieces) == list(expected.pieces)
    assert [model.normalizer_spec.name for model in models] == ["nmt_nfkc", "identity"]
    source, target = map(SentencePieceTokenizer, paths)
    assert source.decode(source.encode(["ba\u3000be"])) == ["ba be"]
    assert target.encode(["ba be"]) == source.encode(["ba\u3000be"])
