"""Options of translation: parallel text, encoder and decoder, search."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from seq2seq_tf.config.common import (
    BATCH,
    CHANGEABLE,
    CHANGEABLE_SEARCH,
    NORMALIZATIONS,
    PATH,
    PIECE_MODELS,
    POOL,
    TOKENS_OF_A_TEXT,
    Range,
    SearchConfig,
    TaskConfig,
    TrainConfig,
    check_attention,
    option,
)
from seq2seq_tf.config.transformer import (
    NETWORKS,
    TransformerDecoderConfig,
    TransformerEncoderConfig,
    check_networks,
)
from seq2seq_tf.errors import InputError

TIES = ("all", "none", "target")
METRICS = ("bleu", "chrf", "loss")
BLEU_TOKENIZERS = ("auto", "13a", "char", "intl", "ja-mecab", "ko-mecab", "none", "zh")  # of sacreBLEU


@dataclasses.dataclass(frozen=True)
class TranslationDataConfig:
    """Raw parallel files and how they become pieces (subwords)."""

    train_source: str = option("", "training sentences in the source language, one per line; may be .gz", PATH)
    train_target: str = option("", "their translations, line by line", PATH)
    valid_source: str = option("", "held-out source sentences, to choose the best checkpoint", PATH)
    valid_target: str = option("", "their translations", PATH)
    test_source: str = option("", "held-out source sentences for the final score; optional", PATH)
    test_target: str = option("", "their translations", PATH)
    vocab_size: int = option(8000, "number of pieces, including the special ones", Range(8, 1_000_000))
    joint_vocab: bool = option(True, "one SentencePiece model for both languages (needed to tie all embeddings)")
    piece_model: str = option("bpe", "kind of SentencePiece model", PIECE_MODELS)
    character_coverage: float = option(1.0, "share of characters that get a piece; 0.9995 for CJK", Range(0.9, 1.0))
    byte_fallback: bool = option(True, "spell unknown characters as bytes, so that nothing is lost")
    source_normalization: str = option(
        "nmt_nfkc",
        "normalisation of the source before tokenization; nmt_nfkc changes the most characters, identity none",
        NORMALIZATIONS,
    )
    target_normalization: str = option(
        "identity",
        "normalisation of the target before tokenization; characters that it changes can never be produced",
        NORMALIZATIONS,
    )
    lowercase: bool = option(False, "fold case of source and target before tokenization")
    max_pieces: int = option(128, "training pairs with a longer side are skipped (and counted)", TOKENS_OF_A_TEXT)
    segmentations: int = option(
        1,
        "number of sampled segmentations of the training text, one per epoch in rotation (subword regularisation, "
        "Kudo 2018; BPE-dropout, Provilkov 2020); 1 = the best segmentation only",
        Range(1, 64),
    )
    segmentation_noise: float = option(
        0.1, "BPE: share of merges dropped; unigram: smoothing exponent, smaller is noisier", Range(0.0, 1.0)
    )


@dataclasses.dataclass(frozen=True)
class TranslationModelConfig(TransformerEncoderConfig, TransformerDecoderConfig):
    """Kinds, sizes and regularisation of the encoder and the decoder."""

    encoder: str = option("recurrent", "kind of network that reads the source", NETWORKS)
    decoder: str = option("recurrent", "kind of network that writes the target", NETWORKS)
    tie: str = option(
        "all", "shared embedding tables: all = source, target and output; target = target and output", TIES
    )

    @property
    def network(self) -> str:
        """Encoder and decoder in a few words."""
        recurrent = f"{self.cell}, attention {self.attention}"
        if self.encoder == self.decoder:
            return recurrent if self.decoder == "recurrent" else "transformer"
        if self.decoder == "recurrent":
            return f"transformer encoder, {recurrent}"
        return f"{self.cell} encoder, transformer decoder"

    def attention_scores(self, source: int, target: int) -> int:
        """Returns the size of the largest array of attention scores for a pair of so many pieces."""
        sizes = [source * target]
        if self.encoder == "transformer":
            sizes.append(self.transformer_heads * source**2)
        if self.decoder == "transformer":
            sizes.append(self.transformer_heads * target * max(source, target))
        return max(sizes)


@dataclasses.dataclass(frozen=True)
class TranslationTrainConfig(TrainConfig):
    """How the weights are trained."""

    batch_tokens: int = option(
        2000, "upper bound on the pieces of a batch, padding included, on the longer side", BATCH
    )
    pool_pairs: int = option(3000, "pairs shuffled together, then sorted by length; larger = less padding", POOL)
    length_multiple: int = option(
        1,
        "lengths are padded to multiples of this; with jit_compile, 16 keeps the number of compiled shapes small",
        Range(1, 1024),
    )
    metric: str = option("bleu", "metric on the validation set that decides which checkpoint is best", METRICS)
    bleu_tokenizer: str = option(
        "auto",
        "how sacreBLEU splits text into words; auto = chosen by the script of the target text when the run is created",
        BLEU_TOKENIZERS,
    )


@dataclasses.dataclass(frozen=True)
class TranslationSearchConfig(SearchConfig):
    """Defaults of the search for translations: how long they may be, and how texts are prepared for it."""

    max_ratio: float = option(
        2.0, "longest output = max_ratio * source pieces + max_extra", Range(0.0, 100.0), served=Range(0.0, 4.0)
    )
    max_extra: int = option(10, "see max_ratio", Range(1, 10_000))
    max_steps: int = option(
        4096, "no output is longer than this, regardless of max_ratio and max_extra", Range(1, 32_768)
    )
    min_ratio: float = option(
        0.0, "shortest output = min_ratio * source pieces", Range(0.0, 100.0), served=Range(0.0, 2.0)
    )
    shortlist: int = option(
        0,
        "0 = search over all pieces; N = only over the N likeliest translations of each source piece and the most "
        "frequent pieces: faster, approximate",
        Range(0, 100),
    )
    split_sentences: bool = option(
        True, "translate each sentence of a longer text separately; false = translate the text as a whole"
    )
    max_source_pieces: int = option(
        1024, "longer sentences are truncated to this length, with a warning", TOKENS_OF_A_TEXT
    )
    batch_tokens: int = option(2048, "upper bound on the source pieces of a batch, padding included", BATCH)


@dataclasses.dataclass(frozen=True)
class TranslationConfig(TaskConfig):
    """All options of a translation run."""

    task: ClassVar[str] = "translation"
    tokenizer_files: ClassVar[tuple[str, ...]] = ("source.model", "target.model")
    trained_by: ClassVar[str] = "seq2seq-train"
    used_by: ClassVar[str] = "seq2seq-translate, seq2seq-evaluate, seq2seq-inspect or seq2seq-export"
    python_api: ClassVar[str] = "seq2seq_tf.tasks.translation.translator:Translator"
    inspected_by: ClassVar[str] = "seq2seq_tf.tasks.translation.inspect"
    inspects: ClassVar[tuple[str, ...]] = ("attention", "units", "gradients")
    has_gradient_curves: ClassVar[bool] = True
    changeable: ClassVar[tuple[str, ...]] = (
        *CHANGEABLE,
        "data.test_*",
        *CHANGEABLE_SEARCH,
        "search.shortlist",
        "search.split_sentences",
    )

    data: TranslationDataConfig = TranslationDataConfig()
    model: TranslationModelConfig = TranslationModelConfig()
    train: TranslationTrainConfig = TranslationTrainConfig()
    search: TranslationSearchConfig = TranslationSearchConfig()

    def check(self) -> None:
        """Raises InputError for values that are valid individually but contradict each other."""
        super().check()
        self.search.check()
        model = self.model
        if model.tie == "all" and not self.data.joint_vocab:
            raise InputError("model.tie=all needs data.joint_vocab=true; use model.tie=target with two vocabularies")
        if model.tie != "none" and model.output_units != model.embedding_units:
            raise InputError(
                f"model.tie={model.tie} needs model.output_units equal to model.embedding_units, "
                f"got {model.output_units} and {model.embedding_units}"
            )
        check_networks(model)
        if model.decoder == "recurrent":
            self._check_recurrent_decoder()
        if self.train.gradient_curves and model.encoder == model.decoder == "transformer":
            raise InputError("train.gradient_curves must be 0: a Transformer has no gradient over time steps")

    def _check_recurrent_decoder(self) -> None:
        model = self.model
        directions = 2 if model.bidirectional else 1
        value_units, made_by = directions * model.encoder_units, f"{directions} x model.encoder_units"
        if model.encoder == "transformer":
            value_units, made_by = model.encoder_units, "model.encoder_units"
        check_attention(model, value_units, f"{made_by}={model.encoder_units}")
        if model.attention == "none" and model.bridge == "zero":
            bridge = "final" if model.encoder == "recurrent" else "mean"
            raise InputError(f"model.attention=none needs model.bridge={bridge}: the decoder would not see the source")
