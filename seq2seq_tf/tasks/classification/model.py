"""The classification model, which reads a text token by token and then predicts one label (many to one)."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.bridge import joined_finals, mean_of_values
from seq2seq_tf.nn.encoder_labeller import EncoderLabeller
from seq2seq_tf.structures import EncoderOutput, LossSum
from seq2seq_tf.tasks.classification.config import ClassificationModelConfig

_LOWEST = -1e30


class LabelledBatch(NamedTuple):
    """Padded texts, each with one label."""

    tokens: tf.Tensor  # [B, S] int32, ends with EOS, then PAD
    labels: tf.Tensor  # [B] int32


def mean_max(encoded: EncoderOutput) -> tf.Tensor:
    """Returns mean and maximum over the real tokens (Conneau et al. 2017), [B, 2D]; zero for a row without any."""
    real = encoded.mask[:, :, tf.newaxis]  # [B, S, 1]
    highest = tf.reduce_max(tf.where(real, encoded.values, _LOWEST), 1)  # [B, D]
    return tf.concat([mean_of_values(encoded), tf.where(tf.reduce_any(real, 1), highest, 0.0)], 1)


class Classification(EncoderLabeller):
    """Predicts one label for a sequence of tokens; the arguments are those of `EncoderLabeller`."""

    config: ClassificationModelConfig

    def __init__(
        self, config: ClassificationModelConfig, vocab: int, labels: int, *, name: str = "classification", **kwargs: Any
    ) -> None:
        super().__init__(config, vocab, labels, name=name, **kwargs)

    @property
    def hidden_units(self) -> int:
        """See `EncoderLabeller.hidden_units`."""
        return self.encoder.value_units * (2 if self.config.pooling == "mean_max" else 1)

    def summarise(self, tokens: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> tf.Tensor:
        """Returns one vector per text, [B, D], for tokens [B, S] int32."""
        encoded = self.encoder.encode(tokens, dropout_seed=dropout_seed)
        if self.config.pooling == "mean_max":
            return mean_max(encoded)
        return joined_finals(encoded)[-1][0]  # h of the last layer

    def log_probs(self, tokens: tf.Tensor) -> tf.Tensor:
        """Returns log p(label | text), [B, labels], for tokens [B, S] int32."""
        return self.label_log_probs(self.summarise(tokens, dropout_seed=None))

    def batch_loss(
        self, batch: LabelledBatch, carry: tuple[()], *, dropout_seed: tf.Tensor | None
    ) -> tuple[LossSum, tuple[()]]:
        """Returns the loss summed over texts; dropout is on if dropout_seed is given."""
        hidden = self.summarise(batch.tokens, dropout_seed=dropout_seed)
        return self.label_loss(hidden, batch.labels, dropout_seed=dropout_seed), carry
