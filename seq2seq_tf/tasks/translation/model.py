"""The translation model: encoder, decoder, vocabulary projection.

Only here does `model.encoder` or `model.decoder` choose a class; everything else works with any of them.
"""

from __future__ import annotations

import tensorflow as tf

from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from seq2seq_tf.nn.encoder_decoder import EncoderDecoder
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.output import OutputProjection
from seq2seq_tf.nn.products import cast, dtype_policy
from seq2seq_tf.nn.transformer_decoder import TransformerDecoder
from seq2seq_tf.nn.transformer_encoder import TransformerEncoder
from seq2seq_tf.tasks.translation.config import TranslationModelConfig

ENCODERS: dict[str, type[Encoder | TransformerEncoder]] = {"recurrent": Encoder, "transformer": TransformerEncoder}
DECODERS: dict[str, type[AttentionDecoder | TransformerDecoder]] = {
    "recurrent": AttentionDecoder,
    "transformer": TransformerDecoder,
}


class Translation(EncoderDecoder):
    """Sequence-to-sequence translation over piece ids.

    Args:
      config: sizes and regularisation.
      source_vocab, target_vocab: numbers of pieces; equal if all tables are tied.
      precision: of the matrix products, one of `nn.products.DTYPES`.
      smoothing: label smoothing in training.
    """

    encoder: Encoder | TransformerEncoder
    decoder: AttentionDecoder | TransformerDecoder

    def __init__(
        self,
        config: TranslationModelConfig,
        source_vocab: int,
        target_vocab: int,
        *,
        precision: str,
        smoothing: float = 0.0,
        name: str = "translation",
    ) -> None:
        super().__init__(name=name, dtype=dtype_policy(precision))
        policy = self.dtype_policy
        self.config = config
        self.cross_entropy = CrossEntropy(smoothing, config.fused)
        scale, units = config.embedding_scale, config.embedding_units
        self.target_embedding = Embedding(target_vocab, units, scale, name="target_embedding", dtype=policy)
        if config.tie == "all":
            self.source_embedding = self.target_embedding
        else:
            self.source_embedding = Embedding(source_vocab, units, scale, name="source_embedding", dtype=policy)
        self.encoder = ENCODERS[config.encoder](config, self.source_embedding, dtype=policy, name="encoder")
        self.decoder = DECODERS[config.decoder](config, self.target_embedding, dtype=policy, name="decoder")

    def build(self) -> None:
        """Creates every variable; nothing is created later."""
        self.target_embedding.build()
        if self.config.tie != "all":
            self.source_embedding.build()
        self.encoder.build()
        self.decoder.build((None, None), (None, None, self.encoder.value_units))
        vocab = self.target_embedding.vocab_size
        if self.config.tie == "none":
            self.output_table = self.add_weight(
                shape=(vocab, self.config.output_units), initializer="glorot_uniform", name="output_table"
            )
        self.vocabulary_bias = self.add_weight(shape=(vocab,), initializer="zeros", name="vocabulary_bias")

    def output_projection(self, dtype: str) -> OutputProjection:
        """See `EncoderDecoder.output_projection`."""
        table = self.output_table if self.config.tie == "none" else self.target_embedding.table
        return OutputProjection(cast(table, dtype), tf.convert_to_tensor(self.vocabulary_bias))
