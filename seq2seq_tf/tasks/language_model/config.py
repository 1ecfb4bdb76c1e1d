"""Options of language models: a stream of text, a recurrent network, sampling."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from seq2seq_tf.config.common import (
    BATCH,
    CELLS,
    CHANGEABLE,
    EPOCHS,
    NORMALIZATIONS,
    PATH,
    PIECE_MODELS,
    SHARE,
    TOKENIZERS,
    UNITS,
    NetworkConfig,
    Range,
    Renamed,
    TaskConfig,
    TrainConfig,
    option,
)
from seq2seq_tf.errors import InputError

METRICS = ("bits_per_character", "loss")
READERS = (*CELLS, "window")
WINDOW = Range(1, 256)  # tokens


@dataclasses.dataclass(frozen=True)
class LanguageModelDataConfig:
    """Text files and how they become tokens."""

    train: str = option("", "text file, or folder of text files, to learn from", PATH)
    valid: str = option(
        "", "held-out text that chooses the best checkpoint; empty = valid_share of the files of train", PATH
    )
    test: str = option(
        "", "held-out text for the final score; empty = test_share of the files of train, if valid is empty too", PATH
    )
    pattern: str = option("*", "files to read in a folder, such as *.py; subfolders are searched too")
    exclude: str = option(
        ".*,__pycache__", "names of files and folders to skip, separated by commas; * and ? are wildcards"
    )
    valid_share: float = option(0.05, "share of the files held out, by a hash of their names", Range(0.0, 0.5))
    test_share: float = option(
        0.05, "share of the files held out for the test, chosen in the same way", Range(0.0, 0.5)
    )
    tokenizer: str = option(
        "characters",
        "what is predicted: characters, or SentencePiece pieces, which collapse runs of spaces",
        TOKENIZERS,
    )
    vocab_size: int = option(
        2000,
        "number of pieces, or upper limit for characters (rarer ones are unknown); special tokens included",
        Range(8, 1_000_000),
    )
    piece_model: str = option("bpe", "pieces: kind of SentencePiece model", PIECE_MODELS)
    character_coverage: float = option(1.0, "pieces: share of characters that get a piece", Range(0.9, 1.0))
    byte_fallback: bool = option(True, "pieces: spell unknown characters in bytes, so that nothing is lost")
    normalization: str = option(
        "identity", "pieces: normalisation before tokenization; what it changes can never be produced", NORMALIZATIONS
    )
    lowercase: bool = option(False, "pieces: fold case")


@dataclasses.dataclass(frozen=True)
class LanguageModelModelConfig(NetworkConfig):
    """Sizes and regularisation. The vocabulary is small and text plentiful: less dropout than for translation."""

    cell: str = option(
        "lstm", "recurrent cell; or window: a feed-forward network over the last tokens (Bengio 2003)", READERS
    )
    window: int = option(
        8, "cell=window: tau, how many tokens the next one is predicted from; 1 = first-order Markov model", WINDOW
    )
    layers: int = option(1, "depth", Range(1, 16))
    units: int = option(512, "state size of each layer", UNITS)
    output_units: int = option(0, "size of a tanh layer before the vocabulary; 0 = none", Range(0, UNITS.high))
    tie: bool = option(False, "one table for input and output (Press and Wolf 2017)")
    embedding_units: int = option(64, "size of a token's vector", UNITS)
    embedding_scale: float = option(
        1.0,
        "standard deviation of initial embeddings; large, so that tokens affect the state from the first update; "
        "use 0.1 with tie",
        Range(1e-6, 10.0),
    )
    embedding_dropout: float = option(0.0, "dropout on embeddings", SHARE)
    layer_dropout: float = option(0.1, "dropout between stacked layers", SHARE)
    output_dropout: float = option(0.1, "dropout before the last projection", SHARE)


@dataclasses.dataclass(frozen=True)
class LanguageModelTrainConfig(TrainConfig):
    """How the weights are trained."""

    batch_size: int = option(64, "places in the text that are read in parallel: rows of a batch", Range(1, 65_536))
    bptt_steps: int = option(
        100,
        "tokens of each row per batch; the state carries over to the next batch, the gradient does not (truncated "
        "back-propagation through time)",
        Range(1, 65_536),
    )
    random_offset: bool = option(True, "start each epoch at a different place in the text, so that batches differ")
    max_epochs: int = option(5, "passes over the training text", EPOCHS)
    learning_rate: float = option(2e-3, "peak learning rate", Range(0.0, 100.0))
    label_smoothing: float = option(0.0, "share of probability spread over all tokens (Szegedy 2016)", SHARE)
    average_best: int = option(3, "best checkpoints kept and averaged into the final model", Range(1, 100))
    metric: str = option("loss", "metric on the held-out text that decides which checkpoint is best", METRICS)


@dataclasses.dataclass(frozen=True)
class SampleConfig:
    """Sampling defaults, which each call from a program or from Python can override."""

    length: int = option(
        500, "maximum tokens per sample; it ends earlier if the model ends the file", Range(1, 1_000_000)
    )
    temperature: float = option(
        0.8, "divides the logits: below 1 is safer, above 1 bolder; 0 = always the most probable", Range(0.0, 100.0)
    )
    top_k: int = option(0, "draw from the k most probable tokens only; 0 = all", Range(0, 1_000_000))
    top_p: float = option(
        1.0, "draw from the fewest tokens whose probabilities reach this sum (Holtzman 2020)", Range(1e-6, 1.0)
    )
    seed: int = option(1, "the same seed gives the same text", Range(0, 2**31 - 1))


@dataclasses.dataclass(frozen=True)
class LanguageModelConfig(TaskConfig):
    """All options of a run that trains a language model."""

    task: ClassVar[str] = "language_model"
    tokenizer_files: ClassVar[tuple[str, ...]] = ("symbols.model",)
    trained_by: ClassVar[str] = "seq2seq-lm train"
    used_by: ClassVar[str] = "seq2seq-lm sample, seq2seq-lm score or seq2seq-inspect"
    python_api: ClassVar[str] = "seq2seq_tf.tasks.language_model.text_generator:TextGenerator"
    inspected_by: ClassVar[str] = "seq2seq_tf.tasks.language_model.inspect"
    inspects: ClassVar[tuple[str, ...]] = ("units", "gradients", "cells", "contexts")
    has_gradient_curves: ClassVar[bool] = True
    renamed: ClassVar[Mapping[str, Renamed]] = MappingProxyType(
        {
            "data.symbols": Renamed("data.tokenizer", {"pieces": "sentencepiece"}),
            "train.streams": Renamed("train.batch_size"),
            "train.chunk": Renamed("train.bptt_steps"),
            "train.rotate": Renamed("train.random_offset"),
        }
    )
    changeable: ClassVar[tuple[str, ...]] = (*CHANGEABLE, "data.test", "sample.*")

    data: LanguageModelDataConfig = LanguageModelDataConfig()
    model: LanguageModelModelConfig = LanguageModelModelConfig()
    train: LanguageModelTrainConfig = LanguageModelTrainConfig()
    sample: SampleConfig = SampleConfig()

    def check(self) -> None:
        """Raises InputError for values that are valid on their own but contradict each other."""
        super().check()
        model = self.model
        width = model.output_units or model.units
        if model.tie and width != model.embedding_units:
            raise InputError(
                f"model.tie needs model.{'output_units' if model.output_units else 'units'} equal to "
                f"model.embedding_units, got {width} and {model.embedding_units}"
            )
        recurrent = {"model.layer_norm": model.layer_norm, "train.gradient_curves": self.train.gradient_curves}
        for name, value in recurrent.items():
            if value and model.cell == "window":
                raise InputError(f"{name} needs a recurrent cell, got model.cell=window")
        tokens = self.train.batch_size * self.train.bptt_steps
        if tokens > BATCH.high:
            raise InputError(
                f"train.batch_size={self.train.batch_size} times train.bptt_steps={self.train.bptt_steps} is "
                f"{tokens:,} tokens per batch; at most {BATCH.high:,} are allowed"
            )
        if self.data.lowercase and self.data.tokenizer != "sentencepiece":
            raise InputError("data.lowercase needs data.tokenizer=sentencepiece")
