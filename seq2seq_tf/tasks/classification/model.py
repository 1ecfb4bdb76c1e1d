"""The classification model: read a text token by token, then say one label (many to one)."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.products import cast, dtype_policy, product
from seq2seq_tf.structures import EncoderOutput, LossSum
from seq2seq_tf.tasks.classification.config import ClassificationModelConfig

_LOWEST = -1e30


class LabelledBatch(NamedTuple):
    """Padded texts with one label each."""

    tokens: tf.Tensor  # [B, S] int32, ends with EOS, then PAD
    labels: tf.Tensor  # [B] int32


def mean_max(encoded: EncoderOutput) -> tf.Tensor:
    """Returns mean and maximum over the real tokens, [B, 2D]; zero for a row without any."""
    real = tf.cast(encoded.mask, tf.float32)[:, :, tf.newaxis]  # [B, S, 1]
    count = tf.reduce_sum(real, 1)  # [B, 1]
    mean = tf.reduce_sum(encoded.values * real, 1) / tf.maximum(count, 1.0)  # [B, D]
    highest = tf.reduce_max(tf.where(real > 0.0, encoded.values, _LOWEST), 1)  # [B, D]
    return tf.concat([mean, tf.where(count > 0.0, highest, 0.0)], 1)


class Classification(Float32Layer):
    """A label for a sequence of tokens.

    Args:
      config: sizes and regularisation.
      vocab: number of tokens.
      labels: number of labels.
      precision: float32 or bfloat16, of the matrix products.
      smoothing: of the labels, in training.
    """

    def __init__(
        self,
        config: ClassificationModelConfig,
        vocab: int,
        labels: int,
        *,
        precision: str,
        smoothing: float = 0.0,
        name: str = "classification",
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
        self._dropout = Dropout(config.output_dropout, "classification/output")

    def build(self) -> None:
        """Creates every variable; nothing is created later."""
        self.embedding.build()
        self.encoder.build()
        units = self.encoder.value_units * (2 if self.config.pooling == "mean_max" else 1)
        self.label_table = self.add_weight(shape=(self.labels, units), initializer="glorot_uniform", name="label_table")
        self.label_bias = self.add_weight(shape=(self.labels,), initializer="zeros", name="label_bias")

    def summarise(self, tokens: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> tf.Tensor:
        """Returns one vector per text, [B, D]. tokens: [B, S] int32."""
        encoded = self.encoder.encode(tokens, dropout_seed=dropout_seed)
        if self.config.pooling == "mean_max":
            return mean_max(encoded)
        directions = 2 if self.config.bidirectional else 1
        return tf.concat([state[0] for state in encoded.final[-directions:]], 1)  # h of the last layer

    def log_probs(self, tokens: tf.Tensor) -> tf.Tensor:
        """Returns log p(label | text), [B, labels]; the projection in float32, whatever the precision."""
        hidden = self.summarise(tokens, dropout_seed=None)
        logits = product(hidden, cast(self.label_table, "float32"), transpose_kernel=True) + self.label_bias
        return tf.nn.log_softmax(logits)

    def batch_loss(
        self, batch: LabelledBatch, carry: tuple[()], *, dropout_seed: tf.Tensor | None
    ) -> tuple[LossSum, tuple[()]]:
        """Returns the loss summed over texts; dropout is on if dropout_seed is given."""
        hidden = self._dropout(self.summarise(batch.tokens, dropout_seed=dropout_seed), dropout_seed)
        table, bias = cast(self.label_table, self.compute_dtype), tf.convert_to_tensor(self.label_bias)
        losses = self.cross_entropy(hidden, table, bias, batch.labels)
        weight = tf.cast(tf.shape(batch.labels)[0], tf.float32)
        return LossSum(tf.reduce_sum(losses.smoothed), tf.reduce_sum(losses.nll), weight), carry
