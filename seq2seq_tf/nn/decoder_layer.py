"""What every decoder has: the methods that models, searches and scoring use, and its face as a Keras layer."""

from __future__ import annotations

from typing import Any, Protocol

import keras
import tensorflow as tf

from seq2seq_tf.config.common import DecoderConfig
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding, EmbeddingDropouts
from seq2seq_tf.nn.layer import ConfiguredLayer, drawn_seed, real_steps
from seq2seq_tf.structures import PAD_ID, EncoderOutput, TeacherForced


class DecoderProtocol(Protocol):
    """What models, searches and scoring need from a decoder; see the methods of `AttentionDecoder`.

    Weights, state and memory are nests of tensors whose structure only the decoder knows.
    """

    def prepare(self, encoded: EncoderOutput) -> Any:
        """Returns the memory: what the steps read from the source, B rows."""

    def initial_state(self, encoded: EncoderOutput) -> Any:
        """Returns the state before the first piece, B rows."""

    def weights_for_steps(self, *, fold: bool = False) -> Any:
        """Returns the weights that `step` takes."""

    def step(self, weights: Any, tokens: tf.Tensor, state: Any, memory: Any) -> tuple[tf.Tensor, Any]:
        """Returns the output before the vocabulary [N, output_units] for tokens [N], and the next state."""

    def teacher_force(
        self, target_in: tf.Tensor, state: Any, memory: Any, *, dropout_seed: tf.Tensor | None
    ) -> TeacherForced:
        """Runs the decoder over known pieces target_in [B, T]."""


class DecoderLayer(ConfiguredLayer):
    """A decoder as a Keras layer; a subclass has the methods of `DecoderProtocol`.

    Args:
      config: sizes and dropouts.
      embedding: the target table; it may be shared with other layers.
      kwargs: name and dtype policy of the layer.
    """

    def __init__(self, config: DecoderConfig, embedding: Embedding, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.embedding = embedding
        self._input_dropout = EmbeddingDropouts(config, "target")
        shared = (1,) if config.variational else ()
        self._output_dropout = Dropout(config.output_dropout, "decoder/output", shared_axes=shared)

    def call(
        self,
        target_in: tf.Tensor,
        encoded: Any,
        training: bool | None = None,
        encoded_mask: Any = None,
        return_attention_scores: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        """Runs the decoder over known pieces as a Keras layer; the next layer projects to the vocabulary.

        Args:
          target_in: [B, T] ids, BOS first, PAD after the last one.
          encoded: what an encoder of this package returns, or the values [B, S, D] of another one; then an
            `AttentionDecoder` needs bridge=mean or zero.
          training: whether dropout is on.
          encoded_mask: [B, S] bool for such values; default: their Keras mask, if any, else all True.
          return_attention_scores: whether to return the attention weights too.

        Returns:
          outputs [B, T, output_units], or (outputs, weights [B, T, S]); float32.
        """
        source, seed = _as_encoder_output(encoded, encoded_mask), drawn_seed(training)
        decoder: Any = self
        memory, state = decoder.prepare(source), decoder.initial_state(source)
        forced = decoder.teacher_force(tf.cast(target_in, tf.int32), state, memory, dropout_seed=seed)
        return tuple(forced) if return_attention_scores else forced.hidden

    def compute_mask(self, target_in: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the mask of the outputs, which Keras losses respect: False where the target is padding."""
        del mask
        return keras.ops.not_equal(target_in, PAD_ID)


def _as_encoder_output(encoded: Any, mask: Any) -> EncoderOutput:
    """Returns the `encoded` of a call as an EncoderOutput; a loaded Keras model passes plain tuples and lists."""
    if isinstance(encoded, list | tuple):
        values, real, final = encoded
        return EncoderOutput(values, real, tuple(tuple(layer) for layer in final))
    return EncoderOutput(tf.cast(encoded, tf.float32), real_steps(encoded, mask), ())
