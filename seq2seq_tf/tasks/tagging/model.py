"""The tagging model: read a text, then say one label at each place that has one (many to many, step by step)."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.products import cast, dtype_policy, product
from seq2seq_tf.structures import LossSum
from seq2seq_tf.tasks.tagging.config import TaggingModelConfig


class TaggedBatch(NamedTuple):
    """Padded texts with a label at some of their tokens."""

    tokens: tf.Tensor  # [B, S] int32, ends with EOS, then PAD
    labels: tf.Tensor  # [B, S] int32, 0 where there is none, else number of the label + 1


class Tagging(Float32Layer):
    """A label at each step of a sequence.

    Args:
      config: sizes and regularisation.
      vocab: number of tokens.
      labels: number of labels.
      precision: float32 or bfloat16, of the matrix products.
      smoothing: of the labels, in training.
    """

    def __init__(
        self,
        config: TaggingModelConfig,
        vocab: int,
        labels: int,
        *,
        precision: str,
        smoothing: float = 0.0,
        name: str = "tagging",
    ) -> None:
        super().__init__(name=name, dtype=dtype_policy(precision))
        policy = self.dtype_policy
        self.config = config
        self.labels = labels
        self.cross_entropy = CrossEntropy(smoothing, config.fused)
        self.embedding = Embedding(
            vocab, config.embedding_units, config.embedding_scale, name="embedding", dtype=policy
        )
        self.encoder = Encoder(config, self.embedding, dtype=policy, name="encoder")
        self._dropout = Dropout(config.output_dropout, "tagging/output")

    def build(self) -> None:
        """Creates every variable; nothing is created later."""
        self.embedding.build()
        self.encoder.build()
        self.label_table = self.add_weight(
            shape=(self.labels, self.encoder.value_units), initializer="glorot_uniform", name="label_table"
        )
        self.label_bias = self.add_weight(shape=(self.labels,), initializer="zeros", name="label_bias")

    def log_probs(self, tokens: tf.Tensor) -> tf.Tensor:
        """Returns log p(label | text) at each token, [B, S, labels]; the projection in float32, always."""
        values = self.encoder.encode(tokens, dropout_seed=None).values  # [B, S, D]
        logits = product(values, cast(self.label_table, "float32"), transpose_kernel=True) + self.label_bias
        return tf.nn.log_softmax(logits)

    def batch_loss(
        self, batch: TaggedBatch, carry: tuple[()], *, dropout_seed: tf.Tensor | None
    ) -> tuple[LossSum, tuple[()]]:
        """Returns the loss summed over labels; dropout is on if dropout_seed is given."""
        values = self.encoder.encode(batch.tokens, dropout_seed=dropout_seed).values  # [B, S, D]
        labelled = tf.where(batch.labels > 0)  # [N, 2]
        hidden = self._dropout(tf.gather_nd(values, labelled), dropout_seed)  # [N, D]
        table, bias = cast(self.label_table, self.compute_dtype), tf.convert_to_tensor(self.label_bias)
        losses = self.cross_entropy(hidden, table, bias, tf.gather_nd(batch.labels, labelled) - 1)
        weight = tf.cast(tf.shape(labelled)[0], tf.float32)
        return LossSum(tf.reduce_sum(losses.smoothed), tf.reduce_sum(losses.nll), weight), carry
