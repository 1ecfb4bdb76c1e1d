"""Options of image captioning: scenes of handwritten digits, convolutional encoder and attention decoder, search."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from seq2seq_tf.config.common import (
    CHANGEABLE,
    CHANGEABLE_SEARCH,
    SHARE,
    UNITS,
    DecoderConfig,
    Range,
    Renamed,
    SearchConfig,
    TaskConfig,
    TrainConfig,
    check_attention,
    option,
    with_default,
)
from seq2seq_tf.errors import InputError

METRICS = ("exact_match", "loss")


@dataclasses.dataclass(frozen=True)
class SceneConfig:
    """Scenes of scikit-learn's handwritten digits on a dark square."""

    train_scenes: int = option(16_000, "scenes per epoch; each epoch draws new ones", Range(1, 1_000_000))
    valid_scenes: int = option(
        500, "held-out scenes that choose the best checkpoint, always the same", Range(1, 20_000)
    )
    test_scenes: int = option(1000, "held-out scenes for the final score, always the same", Range(1, 20_000))
    image_size: int = option(40, "rows and columns of an image in pixels", Range(40, 256))
    max_digits: int = option(3, "maximum number of digits in a scene", Range(1, 3))
    noise: float = option(0.05, "standard deviation of the noise of each pixel; ink is 1", Range(0.0, 0.5))


@dataclasses.dataclass(frozen=True)
class CaptioningModelConfig(DecoderConfig):
    """Sizes and regularisation of the convolutional encoder and the attention decoder."""

    filters: int = option(24, "channels of the first convolution; doubled at each halving of the image", Range(1, 1024))
    halvings: int = option(2, "number of times the image is halved; 2 = one vector per 4 x 4 pixels", Range(1, 5))
    position_scale: float = option(0.3, "standard deviation of the initial row and column vectors", Range(0.0, 10.0))
    encoder_dropout: float = option(0.1, "dropout on the encoder's outputs", SHARE)
    embedding_units: int = option(32, "size of a word's vector", UNITS)
    embedding_dropout: float = option(0.0, "dropout on embeddings", SHARE)
    decoder_units: int = option(192, "state size of the decoder", UNITS)
    attention_units: int = option(96, "size of the space where queries meet keys", UNITS)
    bridge: str = option(
        "mean", "initial state of the decoder: from the mean of the encoder's outputs, or zeros", ("mean", "zero")
    )
    output_units: int = option(96, "size of the deep output layer before the vocabulary", UNITS)
    output_dropout: float = option(0.2, "dropout before the last projection", SHARE)


@dataclasses.dataclass(frozen=True)
class CaptionTrainConfig(TrainConfig):
    """How the weights are trained."""

    batch_size: int = option(64, "scenes per batch", Range(1, 8192))
    label_smoothing: float = option(0.0, "share of probability spread over all words (Szegedy 2016)", SHARE)
    metric: str = option("exact_match", "metric on the validation set that decides which checkpoint is best", METRICS)


@dataclasses.dataclass(frozen=True)
class CaptioningSearchConfig(SearchConfig):
    """Search defaults for captions."""

    beam_size: int = with_default(SearchConfig, "beam_size", 3)
    length_penalty: float = with_default(SearchConfig, "length_penalty", 0.0)
    max_words: int = option(24, "maximum number of words in a caption", Range(1, 1000))
    batch_size: int = option(128, "images described per batch", Range(1, 8192))


@dataclasses.dataclass(frozen=True)
class CaptioningConfig(TaskConfig):
    """All options of a captioning run."""

    task: ClassVar[str] = "captioning"
    tokenizer_files: ClassVar[tuple[str, ...]] = ("labels.txt",)
    changeable: ClassVar[tuple[str, ...]] = (
        *CHANGEABLE,
        "data.test_scenes",
        *CHANGEABLE_SEARCH,
    )
    trained_by: ClassVar[str] = "seq2seq-caption train"
    used_by: ClassVar[str] = "seq2seq-caption describe, evaluate, draw or seq2seq-inspect attention"
    python_api: ClassVar[str] = "seq2seq_tf.tasks.captioning.captioner:Captioner"
    inspected_by: ClassVar[str] = "seq2seq_tf.tasks.captioning.inspect"
    inspects: ClassVar[tuple[str, ...]] = ("attention",)
    renamed: ClassVar[Mapping[str, Renamed]] = MappingProxyType(
        {
            "data.most_digits": Renamed("data.max_digits"),
            "train.batch_scenes": Renamed("train.batch_size"),
            "search.batch_images": Renamed("search.batch_size"),
        }
    )

    data: SceneConfig = SceneConfig()
    model: CaptioningModelConfig = CaptioningModelConfig()
    train: CaptionTrainConfig = CaptionTrainConfig()
    search: CaptioningSearchConfig = CaptioningSearchConfig()

    def check(self) -> None:
        """Raises InputError for values that are valid on their own but contradict each other."""
        super().check()
        self.search.check()
        cell = 2**self.model.halvings
        if self.data.image_size % cell:
            raise InputError(
                f"data.image_size={self.data.image_size} must be a multiple of {cell} (model.halvings="
                f"{self.model.halvings})"
            )
        made_by = f"model.filters={self.model.filters} x 2 ** model.halvings={self.model.halvings}"
        check_attention(self.model, self.model.filters * cell, made_by)
        if self.model.attention == "none" and self.model.bridge == "zero":
            raise InputError("model.attention=none needs model.bridge=mean; otherwise the decoder cannot see the image")
