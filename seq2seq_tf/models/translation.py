"""The translation model: encoder, attention decoder, vocabulary projection."""

from __future__ import annotations

import keras
import tensorflow as tf

from seq2seq_tf.losses import TokenLosses, plain_cross_entropy, projected_cross_entropy
from seq2seq_tf.nn.decoder import AttentionDecoder
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.options.translation import ModelConfig
from seq2seq_tf.structures import (
    PAD_ID,
    Batch,
    DecoderState,
    LossSum,
    Memory,
    StepFn,
    TeacherForced,
)


class Translation(keras.layers.Layer):
    """Sequence-to-sequence translation over piece ids.

    Args:
      config: sizes and regularisation.
      source_vocab, target_vocab: numbers of pieces; equal if all tables are tied.
      precision: float32 or bfloat16, of the matrix products.
    """

    def __init__(
        self, config: ModelConfig, source_vocab: int, target_vocab: int, *, precision: str, name: str = "translation"
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

    def _output_table(self, precision: str) -> tf.Tensor:
        """Returns [V, output_units].

        Training multiplies at its own precision. Searching and scoring use float32, so that the score of a search
        is the score of scoring: bfloat16 would round each logit to 8 bits.
        """
        tied = self.config.tie != "none"
        return cast(self.target_embedding.table if tied else self.output_table, precision)

    def encode(self, source: tf.Tensor) -> tuple[Memory, DecoderState]:
        """Returns what a search needs of source [B, S] int32."""
        encoded = self.encoder.encode(source, dropout_seed=None)
        return self.decoder.prepare(encoded), self.decoder.initial_state(encoded)

    def step_fn(self) -> StepFn:
        """Returns the step of the searches: (tokens [N], state, memory) -> (logits [N, V] float32, state).

        Make it outside the loop that calls it: the weights are read and cast here.
        """
        weights, table = self.decoder.weights_for_steps(), self._output_table("float32")
        bias = tf.convert_to_tensor(self.vocabulary_bias)

        def step(tokens: tf.Tensor, state: DecoderState, memory: Memory) -> tuple[tf.Tensor, DecoderState]:
            hidden, state = self.decoder.step(weights, tokens, state, memory)
            return product(hidden, table, transpose_kernel=True) + bias, state

        return step

    def teacher_force(self, batch: Batch, *, dropout_seed: tf.Tensor | None) -> TeacherForced:
        """Runs encoder and decoder over known pairs."""
        encoded = self.encoder.encode(batch.source, dropout_seed=dropout_seed)
        memory, state = self.decoder.prepare(encoded), self.decoder.initial_state(encoded)
        return self.decoder.teacher_force(batch.target_in, state, memory, dropout_seed=dropout_seed)

    def initial_carry(self, batch_size: tf.Tensor) -> tuple[()]:
        """Returns what one batch hands to the next: nothing, for sentences."""
        del batch_size
        return ()

    def batch_loss(
        self, batch: Batch, carry: tuple[()], *, smoothing: float, dropout_seed: tf.Tensor | None
    ) -> tuple[LossSum, tuple[()]]:
        """Returns the loss summed over real target tokens; dropout is on if dropout_seed is given."""
        forced = self.teacher_force(batch, dropout_seed=dropout_seed)
        real = tf.where(tf.not_equal(batch.target_out, PAD_ID))  # [N, 2]
        losses = self._token_losses(
            forced.hidden, batch.target_out, real, smoothing, self._output_table(self.precision)
        )
        weight = tf.cast(tf.shape(real)[0], tf.float32)
        return LossSum(tf.reduce_sum(losses.smoothed), tf.reduce_sum(losses.nll), weight), carry

    def _token_losses(
        self, hidden: tf.Tensor, labels: tf.Tensor, real: tf.Tensor, smoothing: float, table: tf.Tensor
    ) -> TokenLosses:
        """Losses of the real tokens only: [B, T, D] is gathered to [N, D] before the vocabulary projection."""
        cross_entropy = projected_cross_entropy if self.config.fused else plain_cross_entropy
        bias = tf.convert_to_tensor(self.vocabulary_bias)
        return cross_entropy(tf.gather_nd(hidden, real), table, bias, tf.gather_nd(labels, real), smoothing)

    def score(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the log-probability of each piece [B, T] (zero on padding) and the attention weights [B, T, S]."""
        forced = self.teacher_force(batch, dropout_seed=None)
        real = tf.where(tf.not_equal(batch.target_out, PAD_ID))  # [N, 2]
        losses = self._token_losses(forced.hidden, batch.target_out, real, 0.0, self._output_table("float32"))
        shape = tf.shape(batch.target_out, out_type=tf.int64)
        return tf.scatter_nd(real, -losses.nll, shape), forced.weights
