"""The tagging model, which reads a text and predicts one label for each labelled token (many to many, aligned)."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.encoder_labeller import EncoderLabeller
from seq2seq_tf.structures import LossSum
from seq2seq_tf.tasks.tagging.config import TaggingModelConfig


class TaggedBatch(NamedTuple):
    """Padded texts with labels for some of their tokens."""

    tokens: tf.Tensor  # [B, S] int32, ends with EOS, then PAD
    labels: tf.Tensor  # [B, S] int32, 0 for no label, else index of the label + 1


class Tagging(EncoderLabeller):
    """Predicts a label for each token of a sequence; the arguments are those of `EncoderLabeller`."""

    def __init__(
        self, config: TaggingModelConfig, vocab: int, labels: int, *, name: str = "tagging", **kwargs: Any
    ) -> None:
        super().__init__(config, vocab, labels, name=name, **kwargs)

    def log_probs(self, tokens: tf.Tensor) -> tf.Tensor:
        """Returns log p(label | text) for each of the tokens [B, S] int32, [B, S, labels]."""
        return self.label_log_probs(self.encoder.encode(tokens, dropout_seed=None).values)

    def batch_loss(
        self, batch: TaggedBatch, carry: tuple[()], *, dropout_seed: tf.Tensor | None
    ) -> tuple[LossSum, tuple[()]]:
        """Returns the loss summed over labels; dropout is on if dropout_seed is given."""
        values = self.encoder.encode(batch.tokens, dropout_seed=dropout_seed).values  # [B, S, D]
        labelled = tf.where(batch.labels > 0)  # [N, 2]
        hidden, labels = tf.gather_nd(values, labelled), tf.gather_nd(batch.labels, labelled) - 1
        return self.label_loss(hidden, labels, dropout_seed=dropout_seed), carry
