"""The base class of models that label a text, as a whole or at each position."""

from __future__ import annotations

import tensorflow as tf

from seq2seq_tf.config.common import ReaderConfig
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.encoder import Encoder
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.products import cast, dtype_policy, product
from seq2seq_tf.structures import LossSum


class EncoderLabeller(Float32Layer):
    """Embedding, encoder and a projection to labels; a subclass decides which of the encoder's outputs are labelled.

    Args:
      config: sizes and regularisation.
      vocab: number of tokens.
      labels: number of labels.
      precision: float32, bfloat16 or float16, of the matrix products.
      smoothing: label smoothing in training.
      name: name of the model; also names the site of its output dropout.
    """

    def __init__(
        self, config: ReaderConfig, vocab: int, labels: int, *, precision: str, smoothing: float = 0.0, name: str
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
        self._dropout = Dropout(config.output_dropout, f"{name}/output")

    @property
    def hidden_units(self) -> int:
        """Size of the vectors that are labelled."""
        return self.encoder.value_units

    def build(self) -> None:
        """Creates every variable; nothing is created later."""
        self.embedding.build()
        self.encoder.build()
        self.label_table = self.add_weight(
            shape=(self.labels, self.hidden_units), initializer="glorot_uniform", name="label_table"
        )
        self.label_bias = self.add_weight(shape=(self.labels,), initializer="zeros", name="label_bias")

    def label_log_probs(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns log p(label), [..., labels], for vectors [..., D]; in float32, whatever the precision."""
        logits = product(hidden, cast(self.label_table, "float32"), transpose_kernel=True) + self.label_bias
        return tf.nn.log_softmax(logits)

    def label_loss(self, hidden: tf.Tensor, labels: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> LossSum:
        """Returns the loss of vectors [N, D] summed over labels [N] int32; dropout is on if dropout_seed is given."""
        table, bias = cast(self.label_table, self.compute_dtype), tf.convert_to_tensor(self.label_bias)
        return self.cross_entropy.summed(self._dropout(hidden, dropout_seed), table, bias, labels)
