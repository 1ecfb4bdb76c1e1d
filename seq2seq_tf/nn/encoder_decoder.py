"""The base class of models with an encoder and a decoder, whatever the encoder reads."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from seq2seq_tf.nn.decoder_layer import DecoderProtocol
from seq2seq_tf.nn.encoder import EncoderProtocol
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.output import OutputProjection, SearchWeights, log_probabilities, make_step_fn, summed_loss
from seq2seq_tf.structures import LossSum, StepFn, TeacherForced


class EncoderDecoder(Float32Layer):
    """Encoder, decoder and output projection, all created by a subclass.

    Attributes:
      cross_entropy: the loss.
    """

    encoder: EncoderProtocol
    decoder: DecoderProtocol
    cross_entropy: CrossEntropy

    def output_projection(self, dtype: str) -> OutputProjection:
        """Returns the projection to the vocabulary, cast to `dtype`.

        Training multiplies at its own precision. Searching and scoring use float32, so that both report the same
        score for a hypothesis: bfloat16 would round each logit to 8 bits.
        """
        raise NotImplementedError

    def encode(self, source: tf.Tensor, *, dropout_seed: tf.Tensor | None = None) -> tuple[Any, Any]:
        """Returns the decoder's memory and initial state for a source; dropout is on if dropout_seed is given."""
        encoded = self.encoder.encode(source, dropout_seed=dropout_seed)
        return self.decoder.prepare(encoded), self.decoder.initial_state(encoded)

    def search_weights(self, *, fold: bool = False) -> SearchWeights:
        """Returns the weights of the steps of a search; see `AttentionDecoder.weights_for_steps`."""
        return SearchWeights(self.decoder.weights_for_steps(fold=fold), self.output_projection("float32"))

    def step_fn(self, weights: SearchWeights | None = None, candidates: tf.Tensor | None = None) -> StepFn:
        """Returns the step function of a search; see `make_step_fn`.

        Call this outside the search loop: without `weights`, they are read and cast here.
        """
        return make_step_fn(self.decoder, self.search_weights() if weights is None else weights, candidates)

    def teacher_force(self, batch: Any, *, dropout_seed: tf.Tensor | None) -> TeacherForced:
        """Runs encoder and decoder over known targets. batch: (source, target_in, target_out)."""
        source, target_in, _ = batch
        memory, state = self.encode(source, dropout_seed=dropout_seed)
        return self.decoder.teacher_force(target_in, state, memory, dropout_seed=dropout_seed)

    def batch_loss(self, batch: Any, carry: tuple[()], *, dropout_seed: tf.Tensor | None) -> tuple[LossSum, tuple[()]]:
        """Returns the loss summed over real target tokens; dropout is on if dropout_seed is given."""
        hidden = self.teacher_force(batch, dropout_seed=dropout_seed).hidden
        projection = self.output_projection(self.compute_dtype)
        return summed_loss(self.cross_entropy, hidden, batch.target_out, projection), carry

    def score(self, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the log-probability of each token [B, T] (zero on padding) and the attention weights [B, T, S]."""
        forced = self.teacher_force(batch, dropout_seed=None)
        projection = self.output_projection("float32")
        return log_probabilities(self.cross_entropy, forced.hidden, batch.target_out, projection), forced.weights
