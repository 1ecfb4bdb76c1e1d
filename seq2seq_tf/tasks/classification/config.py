"""Options of sequence classification: a folder of labelled texts, a recurrent encoder, one label per text."""

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
    TOKENIZERS,
    TOKENS_OF_A_TEXT,
    Range,
    ReaderConfig,
    Renamed,
    TaskConfig,
    TrainConfig,
    option,
)

POOLINGS = ("final", "mean_max")
METRICS = ("accuracy", "loss")


@dataclasses.dataclass(frozen=True)
class ClassificationDataConfig:
    """Labelled texts and how they become tokens."""

    train: str = option(
        "", "folder of texts to learn from: LABEL.txt (or LABEL.txt.gz) for each label, one text per line", PATH
    )
    valid: str = option("", "folder of held-out texts that choose the best checkpoint", PATH)
    test: str = option("", "folder of held-out texts for the final score; may be left empty", PATH)
    tokenizer: str = option("characters", "how a text is divided into tokens", TOKENIZERS)
    vocab_size: int = option(500, "number of tokens, special ones included", Range(8, 1_000_000))
    piece_model: str = option("bpe", "tokenizer=sentencepiece: kind of model", PIECE_MODELS)
    character_coverage: float = option(
        1.0, "tokenizer=sentencepiece: share of characters that get a piece", Range(0.9, 1.0)
    )
    byte_fallback: bool = option(False, "tokenizer=sentencepiece: spell unknown characters in bytes")
    normalization: str = option("nmt_nfkc", "tokenizer=sentencepiece: normalisation of the text", NORMALIZATIONS)
    lowercase: bool = option(False, "fold case before tokenization")
    max_tokens: int = option(
        256, "longer texts are truncated to this many tokens, in training and in use", TOKENS_OF_A_TEXT
    )
    snippets: float = option(
        0.5, "share of the training texts replaced by a random part, drawn again each epoch", Range(0.0, 1.0)
    )
    min_snippet: int = option(8, "minimum number of tokens in a random part", TOKENS_OF_A_TEXT)


@dataclasses.dataclass(frozen=True)
class ClassificationModelConfig(ReaderConfig):
    """Sizes and regularisation of the classifier."""

    embedding_scale: float = option(
        1.0,
        "standard deviation of initial embeddings; with 0.1, characters become distinct slowly",
        Range(1e-6, 10.0),
    )
    pooling: str = option(
        "mean_max",
        "vector for a text: mean and maximum of the outputs over its tokens, or the final states of the last layer",
        POOLINGS,
    )


@dataclasses.dataclass(frozen=True)
class ClassificationTrainConfig(TrainConfig):
    """How the weights are trained."""

    batch_tokens: int = option(6000, "upper bound on the tokens of a batch, padding included", BATCH)
    pool_texts: int = option(3000, "texts shuffled together, then sorted by length; larger = less padding", POOL)
    label_smoothing: float = option(
        0.0,
        "share of probability spread over all labels; above 0, predicted probabilities are deliberately too low",
        SHARE,
    )
    metric: str = option("accuracy", "metric on the validation set that decides which checkpoint is best", METRICS)


@dataclasses.dataclass(frozen=True)
class ClassificationConfig(TaskConfig):
    """All options of a classification run."""

    task: ClassVar[str] = "classification"
    tokenizer_files: ClassVar[tuple[str, ...]] = ("symbols.model", "labels.txt")
    changeable: ClassVar[tuple[str, ...]] = (*CHANGEABLE, "data.test")
    trained_by: ClassVar[str] = "seq2seq-classify train"
    used_by: ClassVar[str] = "seq2seq-classify predict or seq2seq-classify evaluate"
    python_api: ClassVar[str] = "seq2seq_tf.tasks.classification.classifier:Classifier"
    renamed: ClassVar[Mapping[str, Renamed]] = MappingProxyType(
        {
            "data.symbols": Renamed("data.tokenizer", {"pieces": "sentencepiece"}),
            "data.max_symbols": Renamed("data.max_tokens"),
            "data.shortest_snippet": Renamed("data.min_snippet"),
            "model.summary": Renamed("model.pooling"),
            "train.batch_symbols": Renamed("train.batch_tokens"),
        }
    )

    data: ClassificationDataConfig = ClassificationDataConfig()
    model: ClassificationModelConfig = ClassificationModelConfig()
    train: ClassificationTrainConfig = ClassificationTrainConfig()
