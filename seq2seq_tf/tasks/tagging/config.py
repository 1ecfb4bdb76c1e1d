"""Options of sequence tagging: plain text, a recurrent encoder, one label of case and punctuation per word."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from seq2seq_tf.config.common import (
    BATCH,
    CHANGEABLE,
    NORMALIZATIONS,
    PATH,
    PIECE_MODELS,
    POOL,
    SHARE,
    UNITS,
    Range,
    ReaderConfig,
    Renamed,
    TaskConfig,
    TrainConfig,
    option,
)

METRICS = ("f1", "loss")


@dataclasses.dataclass(frozen=True)
class TaggingDataConfig:
    """Plain text with case and punctuation, from which the labels are taken."""

    train: str = option("", "text to learn from, one sentence or paragraph per line (may be .gz)", PATH)
    valid: str = option("", "held-out text that chooses the best checkpoint", PATH)
    test: str = option("", "held-out text for the final score; may be left empty", PATH)
    vocab_size: int = option(4000, "number of pieces of lower-cased words", Range(8, 1_000_000))
    piece_model: str = option("bpe", "kind of SentencePiece model", PIECE_MODELS)
    character_coverage: float = option(1.0, "share of characters that get a piece; 0.9995 for CJK", Range(0.9, 1.0))
    byte_fallback: bool = option(True, "spell unknown characters in bytes")
    normalization: str = option("nmt_nfkc", "normalisation of the words before tokenization", NORMALIZATIONS)
    max_lines: int = option(
        4,
        "maximum consecutive lines joined into a paragraph, drawn again each epoch: sentence ends must be found",
        Range(1, 1000),
    )
    max_pieces: int = option(
        200,
        "longer paragraphs are truncated to this in training, and restored in overlapping windows of this size",
        Range(16, 100_000),
    )

    @property
    def lowercase(self) -> bool:
        """Always False: the text that the piece model is trained on is already lower-cased."""
        return False


@dataclasses.dataclass(frozen=True)
class TaggingModelConfig(ReaderConfig):
    """Sizes and regularisation of the tagger."""

    embedding_units: int = option(128, "size of a piece's vector", UNITS)
    encoder_units: int = option(192, "state size per direction", UNITS)
    embedding_dropout: float = option(0.2, "dropout on embeddings", SHARE)
    output_dropout: float = option(0.3, "dropout before the last projection", SHARE)


@dataclasses.dataclass(frozen=True)
class TaggingTrainConfig(TrainConfig):
    """How the weights are trained."""

    batch_tokens: int = option(4000, "upper bound on the pieces of a batch, padding included", BATCH)
    pool_paragraphs: int = option(1000, "paragraphs shuffled together, then sorted by length", POOL)
    label_smoothing: float = option(0.0, "share of probability spread over all labels", SHARE)
    metric: str = option(
        "f1",
        "metric on the validation set that decides which checkpoint is best; f1 = mean F1 of case and punctuation",
        METRICS,
    )


@dataclasses.dataclass(frozen=True)
class TaggingConfig(TaskConfig):
    """All options of a tagging run."""

    task: ClassVar[str] = "tagging"
    tokenizer_files: ClassVar[tuple[str, ...]] = ("symbols.model", "labels.txt", "words.json")
    changeable: ClassVar[tuple[str, ...]] = (*CHANGEABLE, "data.test")
    trained_by: ClassVar[str] = "seq2seq-tag train"
    used_by: ClassVar[str] = "seq2seq-tag restore or seq2seq-tag evaluate"
    python_api: ClassVar[str] = "seq2seq_tf.tasks.tagging.punctuation_restorer:PunctuationRestorer"
    renamed: ClassVar[Mapping[str, Renamed]] = MappingProxyType(
        {
            "data.most_lines": Renamed("data.max_lines"),
            "train.batch_pieces": Renamed("train.batch_tokens"),
        }
    )

    data: TaggingDataConfig = TaggingDataConfig()
    model: TaggingModelConfig = TaggingModelConfig()
    train: TaggingTrainConfig = TaggingTrainConfig()
