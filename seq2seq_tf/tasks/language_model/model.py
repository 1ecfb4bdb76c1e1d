"""The language model: a reader, recurrent or a window, and an output projection predict each next token of a stream."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from seq2seq_tf.nn.cells import Cell
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.losses import CrossEntropy
from seq2seq_tf.nn.output import OutputProjection, log_probabilities
from seq2seq_tf.nn.products import cast, dtype_policy, product
from seq2seq_tf.structures import LossSum, StepFn
from seq2seq_tf.tasks.language_model.config import LanguageModelModelConfig
from seq2seq_tf.tasks.language_model.reader import Carry, LayerStates, Reader
from seq2seq_tf.tasks.language_model.recurrent_reader import RecurrentReader
from seq2seq_tf.tasks.language_model.window_reader import WindowReader


class LanguageModel(Float32Layer):
    """Predicts the next token from the previous ones: all of them, or a window (Bengio 2003; Mikolov 2010).

    The carry is all that is known after a chunk: the state of every recurrent layer, or the tokens of a window. The
    next chunk starts from it, but no gradient flows through it: truncated back-propagation through time (Werbos 1990).

    Args:
      config: sizes and regularisation.
      vocab_size: number of tokens.
      precision: of the matrix products, one of `nn.products.DTYPES`.
      smoothing: label smoothing, the share of probability spread over all tokens.
    """

    def __init__(
        self,
        config: LanguageModelModelConfig,
        vocab_size: int,
        *,
        precision: str,
        smoothing: float = 0.0,
        name: str = "language_model",
    ) -> None:
        super().__init__(name=name, dtype=dtype_policy(precision))
        policy = self.dtype_policy
        self.config = config
        self.cross_entropy = CrossEntropy(smoothing, config.fused)
        self.vocab_size = vocab_size
        self.embedding = Embedding(
            vocab_size, config.embedding_units, config.embedding_scale, name="embedding", dtype=policy
        )
        self.reader = _make_reader(config, self.embedding, dtype=policy)
        self.stack = self.reader.layers  # Keras finds the variables of attributes that are layers
        shared = (1,) if config.variational else ()
        self._output_dropout = Dropout(config.output_dropout, "language_model/output", shared_axes=shared)

    def build(self) -> None:
        """Creates all variables."""
        config = self.config
        self.embedding.build()
        self.reader.build()
        width = self.reader.output_units
        if config.output_units:
            self.output_kernel = self.add_weight(
                shape=(width, config.output_units), initializer="glorot_uniform", name="output_kernel"
            )
            self.output_bias = self.add_weight(shape=(config.output_units,), initializer="zeros", name="output_bias")
            width = config.output_units
        if not config.tie:
            self.output_table = self.add_weight(
                shape=(self.vocab_size, width), initializer="glorot_uniform", name="output_table"
            )
        self.vocabulary_bias = self.add_weight(shape=(self.vocab_size,), initializer="zeros", name="vocabulary_bias")

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The recurrent cell of each layer; () if nothing is recurrent."""
        return self.reader.cells

    @property
    def unit_names(self) -> list[str]:
        """Names of the values in `states`: "layer_0/h/17" is unit 17 of the output of the lowest layer."""
        return self.reader.unit_names

    def _output_projection(self, dtype: str) -> OutputProjection:
        """Returns the output projection; training multiplies at its own precision, scoring and sampling in float32."""
        table = self.embedding.table if self.config.tie else self.output_table
        return OutputProjection(cast(table, dtype), tf.convert_to_tensor(self.vocabulary_bias))

    def _readout(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the input of the output projection. [..., H] -> [..., D]."""
        if not self.config.output_units:
            return outputs
        return tf.tanh(product(outputs, cast(self.output_kernel, self.compute_dtype)) + self.output_bias)

    def initial_carry(self, batch_size: tf.Tensor) -> Carry:
        """Returns what is known at the beginning of a text: a nest of zeros [B, ...]."""
        return self.reader.initial_carry(batch_size)

    def carry_spec(self) -> Any:
        """Returns the TensorSpecs of what is carried from chunk to chunk, a nest of [B, ...]."""
        one = self.initial_carry(tf.constant(1))
        return tf.nest.map_structure(lambda x: tf.TensorSpec([None, *x.shape[1:]], x.dtype), one)

    def read(self, ids: tf.Tensor, carry: Carry, *, dropout_seed: tf.Tensor | None) -> tuple[tf.Tensor, Carry]:
        """Reads ids [B, T] int32, padded at the end if at all; a dropout_seed of None means no dropout.

        Returns:
          the input of the output projection [B, T, D], and the carry after the last real token of each row.
        """
        outputs, final = self.reader.read(ids, carry, dropout_seed=dropout_seed)
        return self._output_dropout(self._readout(outputs), dropout_seed), final

    def batch_loss(self, batch: tf.Tensor, carry: Carry, *, dropout_seed: tf.Tensor | None) -> tuple[LossSum, Carry]:
        """Returns the loss summed over a chunk of streams and the state for the next chunk.

        Args:
          batch: [B, L + 1] int32 without padding; the first L tokens are read, the last L are predicted.
          carry: state after the previous chunk.
          dropout_seed: None for no dropout.
        """
        hidden, final = self.read(batch[:, :-1], carry, dropout_seed=dropout_seed)
        # All tokens are real: there is no padding to filter out, and XLA can compile this.
        labels = tf.reshape(batch[:, 1:], [-1])  # [B * L]
        projection = self._output_projection(self.compute_dtype)
        loss = self.cross_entropy.summed(tf.reshape(hidden, [-1, hidden.shape[-1]]), *projection, labels)
        return loss, tf.nest.map_structure(tf.stop_gradient, final)

    def score(self, ids: tf.Tensor, carry: Carry) -> tuple[tf.Tensor, Carry]:
        """Returns -log p of each next token in nats [B, T], zero on padding, and the state after the last token read.

        Args:
          ids: [B, T + 1] int32, padded at the end if at all.
          carry: state before the first token.
        """
        hidden, final = self.read(ids[:, :-1], carry, dropout_seed=None)
        projection = self._output_projection("float32")
        return -log_probabilities(self.cross_entropy, hidden, ids[:, 1:], projection), final

    def logits(self, ids: tf.Tensor, carry: Carry) -> tuple[tf.Tensor, Carry]:
        """Returns the logits of the token after each of ids [B, T], [B, T, V] float32, and the final state."""
        hidden, final = self.read(ids, carry, dropout_seed=None)
        table, bias = self._output_projection("float32")
        return product(hidden, table, transpose_kernel=True) + bias, final

    def score_last(self, ids: tf.Tensor, carry: Carry) -> tf.Tensor:
        """Returns -log p of the last token of each row in nats [B]; only it is projected.

        Args:
          ids: [B, T + 1] int32 without padding.
          carry: state before the first token.
        """
        hidden, _ = self.read(ids[:, :-1], carry, dropout_seed=None)
        projection = self._output_projection("float32")
        return -log_probabilities(self.cross_entropy, hidden[:, -1:], ids[:, -1:], projection)[:, 0]

    def step_fn(self) -> StepFn:
        """Returns the sampling step: (tokens [N], carry, ()) -> (logits [N, V] float32, carry).

        Call this outside the sampling loop: it reads and casts the weights.
        """
        read = self.reader.step_fn()
        table, bias = self._output_projection("float32")

        def step(tokens: tf.Tensor, carry: Carry, memory: Any) -> tuple[tf.Tensor, Carry]:
            del memory  # the carry contains all that was read
            outputs, carry = read(tokens, carry)
            return product(self._readout(outputs), table, transpose_kernel=True) + bias, carry

        return step

    def states(self, ids: tf.Tensor, carry: Carry) -> tuple[tuple[LayerStates, ...], Carry]:
        """Returns every state and gate of every layer while reading ids [B, T], and the final carry.

        Rows may be padded at the end; the values at padded positions are meaningless.
        """
        return self.reader.states(ids, carry)


def _make_reader(config: LanguageModelModelConfig, embedding: Embedding, **kwargs: Any) -> Reader:
    """Returns the reader of a kind of cell; the only place that asks for the kind."""
    kind = WindowReader if config.cell == "window" else RecurrentReader
    return kind(config, embedding, **kwargs)
