"""The translation model: encoder, attention decoder, vocabulary projection."""

from __future__ import annotations

import keras
import tensorflow as tf

from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from seq2seq_tf.nn.output import OutputProjection, SearchWeights, log_probabilities, make_step_fn, summed_loss
from seq2seq_tf.nn.products import cast
from seq2seq_tf.structures import Batch, DecoderState, LossSum, Memory, StepFn, TeacherForced
from seq2seq_tf.tasks.translation.config import TranslationModelConfig


class Translation(keras.layers.Layer):
    """Sequence-to-sequence translation over piece ids.

    Args:
      config: sizes and regularisation.
      source_vocab, target_vocab: numbers of pieces; equal if all tables are tied.
      precision: of the matrix products, one of `nn.products.DTYPES`.
    """

    def __init__(
        self,
        config: TranslationModelConfig,
        source_vocab: int,
        target_vocab: int,
        *,
        precision: str,
        name: str = "translation",
    ) -> None:
        super().__init__(name=name)
        self.config = config
        self.precision = precision
        scale, units = config.embedding_scale, config.embedding_units
        self.target_embedding = Embedding(target_vocab, units, scale, name="target_embedding")
        if config.tie == "all":
            self.source_embedding = self.target_embedding
        else:
            self.source_embedding = Embedding(source_vocab, units, scale, name="source_embedding")
        self.encoder = Encoder(config, self.source_embedding, precision=precision)
        self.decoder = AttentionDecoder(
            config, self.target_embedding, self.encoder.stack.output_units, precision=precision
        )

    def build(self) -> None:
        """Creates every variable; nothing is created later."""
        self.target_embedding.build()
        if self.config.tie != "all":
            self.source_embedding.build()
        self.encoder.build()
        self.decoder.build()
        vocab = self.target_embedding.vocab_size
        if self.config.tie == "none":
            self.output_table = self.add_weight(
                shape=(vocab, self.config.output_units), initializer="glorot_uniform", name="output_table"
            )
        self.vocabulary_bias = self.add_weight(shape=(vocab,), initializer="zeros", name="vocabulary_bias")

    def _output_projection(self, precision: str) -> OutputProjection:
        """Returns the last projection.

        Training multiplies at its own precision. Searching and scoring use float32, so that the score of a search
        is the score of scoring: bfloat16 would round each logit to 8 bits.
        """
        table = self.output_table if self.config.tie == "none" else self.target_embedding.table
        return OutputProjection(cast(table, precision), tf.convert_to_tensor(self.vocabulary_bias))

    def encode(self, source: tf.Tensor) -> tuple[Memory, DecoderState]:
        """Returns what a search needs of source [B, S] int32."""
        encoded = self.encoder.encode(source, dropout_seed=None)
        return self.decoder.prepare(encoded), self.decoder.initial_state(encoded)

    def search_weights(self, *, fold: bool = False) -> SearchWeights:
        """Returns what the steps of a search need; see `AttentionDecoder.weights_for_steps`."""
        return SearchWeights(self.decoder.weights_for_steps(fold=fold), self._output_projection("float32"))

    def step_fn(self, weights: SearchWeights | None = None, candidates: tf.Tensor | None = None) -> StepFn:
        """Returns the step of the searches, see `make_step_fn`.

        Make it outside the loop that calls it: without `weights` they are read and cast here.
        """
        return make_step_fn(self.decoder, self.search_weights() if weights is None else weights, candidates)

    def teacher_force(self, batch: Batch, *, dropout_seed: tf.Tensor | None) -> TeacherForced:
        """Runs encoder and decoder over known pairs."""
        encoded = self.encoder.encode(batch.source, dropout_seed=dropout_seed)
        memory, state = self.decoder.prepare(encoded), self.decoder.initial_state(encoded)
        return self.decoder.teacher_force(batch.target_in, state, memory, dropout_seed=dropout_seed)

    def batch_loss(
        self, batch: Batch, carry: tuple[()], *, smoothing: float, dropout_seed: tf.Tensor | None
    ) -> tuple[LossSum, tuple[()]]:
        """Returns the loss summed over real target tokens; dropout is on if dropout_seed is given."""
        hidden = self.teacher_force(batch, dropout_seed=dropout_seed).hidden
        vocabulary = self._output_projection(self.precision)
        return summed_loss(hidden, batch.target_out, vocabulary, smoothing=smoothing, fused=self.config.fused), carry

    def score(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the log-probability of each piece [B, T] (zero on padding) and the attention weights [B, T, S]."""
        forced = self.teacher_force(batch, dropout_seed=None)
        vocabulary = self._output_projection("float32")
        return log_probabilities(forced.hidden, batch.target_out, vocabulary, fused=self.config.fused), forced.weights
