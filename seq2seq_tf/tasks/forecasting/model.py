"""The forecasting model: scaling, projection of a step's numbers, recurrent layers, a distribution of what follows."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq_tf.nn.cells import Cell
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import EmbeddingDropouts
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.products import cast, dtype_policy, product
from seq2seq_tf.nn.recurrent import RecurrentStack
from seq2seq_tf.structures import CellStates, LossSum
from seq2seq_tf.tasks.forecasting.config import ForecastModelConfig
from seq2seq_tf.tasks.forecasting.distributions import distribution_of
from seq2seq_tf.tasks.forecasting.scaling import Scaling


class SeriesBatch(NamedTuple):
    """Excerpts of a series; D is `model.difference`, V the number of variables, C that of the calendar's numbers."""

    values: tf.Tensor  # float64, raw; predicts=horizon: [B, D + T + horizon, V]; predicts=step: [B, D + T + 1, V]
    calendar: tf.Tensor  # [B, T, C] float32: beside each step read, the phases of the date of the step after it


class Rolled(NamedTuple):
    """Predictions that were fed back; K steps."""

    z: tf.Tensor  # [N, K, V] float32: what was fed back, in the network's unit
    params: tf.Tensor  # [N, K, V, P] float32: the distribution of each step, given those before


class Forecasting(Float32Layer):
    """Predicts a distribution of the values that follow (Salinas et al. 2020; Wen et al. 2017).

    Raw numbers go in as float64 and are scaled here: z = (x_t - x_(t-D) - mean) / scale, without x_(t-D) if D = 0.
    With predicts=step the carry is the state of every layer after a batch, through which no gradient flows: truncated
    back-propagation through time (Werbos 1990). With predicts=horizon it is empty.

    Args:
      config: sizes and regularisation.
      scaling: of the training rows.
      precision: of the matrix products, one of `nn.products.DTYPES`.
    """

    def __init__(
        self, config: ForecastModelConfig, scaling: Scaling, *, precision: str, name: str = "forecasting"
    ) -> None:
        super().__init__(name=name, dtype=dtype_policy(precision))
        policy = self.dtype_policy
        self.config = config
        self.scaling = scaling
        self.variables_read = len(scaling.names)
        self.distribution = distribution_of(config)
        self.stack = RecurrentStack(
            config, units=config.units, layers=config.layers, bidirectional=False, dtype=policy, name="stack"
        )
        self.at_once = config.horizon if config.predicts == "horizon" else 1
        self._input_dropout = EmbeddingDropouts(config, "forecasting")
        shared = (1,) if config.variational else ()
        self._output_dropout = Dropout(config.output_dropout, "forecasting/output", shared_axes=shared)

    def build(self) -> None:
        """Creates all variables."""
        config = self.config
        read = self.variables_read + 2 * len(config.cycles)
        self.input_kernel = self.add_weight(
            shape=(read, config.embedding_units),
            initializer=keras.initializers.RandomNormal(stddev=config.embedding_scale),
            name="input_kernel",
        )
        self.input_bias = self.add_weight(shape=(config.embedding_units,), initializer="zeros", name="input_bias")
        self.stack.build((None, None, config.embedding_units))
        width = self.at_once * self.variables_read * self.distribution.parameters
        self.output_kernel = self.add_weight(
            shape=(config.units, width), initializer="glorot_uniform", name="output_kernel"
        )
        self.output_bias = self.add_weight(shape=(width,), initializer="zeros", name="output_bias")

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cell of each layer."""
        return self.stack.flat_cells

    def initial_carry(self, batch_size: tf.Tensor) -> CellStates:
        """Returns the state before the first step: zeros [B, H] for each tensor of each layer."""
        return self.stack.zero_state(batch_size)

    def scaled(self, values: tf.Tensor, before: tf.Tensor | None = None) -> tf.Tensor:
        """Returns raw values [B, T, V] float64, or their changes from `before`, in the network's unit, as float32."""
        changes = values if before is None else values - before
        return tf.cast((changes - self.scaling.mean) / self.scaling.scale, tf.float32)

    def inputs(self, values: tf.Tensor) -> tf.Tensor:
        """Returns what the network reads of raw values. [B, D + T, V] float64 -> [B, T, V] float32."""
        steps = self.config.difference
        return self.scaled(values[:, steps:], values[:, :-steps]) if steps else self.scaled(values)

    def read(
        self, z: tf.Tensor, calendar: tf.Tensor, carry: CellStates, *, dropout_seed: tf.Tensor | None
    ) -> tuple[tf.Tensor, CellStates]:
        """Reads steps in the network's unit; a dropout_seed of None means no dropout.

        Args:
          z: [B, T, V].
          calendar: [B, T, C].
          carry: state before the first step.
          dropout_seed: [2] int32 in a training step.

        Returns:
          the outputs of the last layer [B, T, H], and the state after the last step.
        """
        kernel = cast(self.input_kernel, self.compute_dtype)
        embedded = product(tf.concat([z, calendar], -1), kernel) + self.input_bias  # [B, T, E]
        real = tf.ones(tf.shape(z)[:2], tf.bool)
        unrolled = self.stack.unroll(
            self._input_dropout(embedded, dropout_seed), real, carry, dropout_seed=dropout_seed
        )
        return unrolled.outputs, unrolled.final

    def predict(self, hidden: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> tf.Tensor:
        """Returns the parameters of the distributions.

        Args:
          hidden: [B, T, H].
          dropout_seed: None for no dropout.

        Returns:
          [B, T, horizon, V, P] with predicts=horizon, else [B, T, 1, V, P].
        """
        dropped = self._output_dropout(hidden, dropout_seed)
        flat = product(dropped, cast(self.output_kernel, self.compute_dtype)) + self.output_bias
        sizes = [self.at_once, self.variables_read, self.distribution.parameters]
        return tf.reshape(flat, tf.concat([tf.shape(hidden)[:2], sizes], 0))

    def batch_loss(self, batch: SeriesBatch, carry: Any, *, dropout_seed: tf.Tensor | None) -> tuple[LossSum, Any]:
        """Returns the loss summed over all predicted numbers, and the carry for the next batch.

        Args:
          batch: B excerpts of the same length.
          carry: state before the first step with predicts=step; () with predicts=horizon.
          dropout_seed: None for no dropout.
        """
        losses, carry = self.losses(batch, carry, dropout_seed=dropout_seed)
        total = tf.reduce_sum(losses)
        return LossSum(total, total, tf.cast(tf.size(losses), tf.float32)), carry

    def losses(self, batch: SeriesBatch, carry: Any, *, dropout_seed: tf.Tensor | None) -> tuple[tf.Tensor, Any]:
        """Returns the loss of each number, [B, horizon, V] or [B, T, V], and the carry; see `batch_loss`."""
        if self.config.predicts == "step":
            z = self.inputs(batch.values)  # [B, T + 1, V]
            hidden, final = self.read(z[:, :-1], batch.calendar, carry, dropout_seed=dropout_seed)
            params = self.predict(hidden, dropout_seed=dropout_seed)[:, :, 0]  # [B, T, V, P]
            return self.distribution.loss(params, z[:, 1:]), tf.nest.map_structure(tf.stop_gradient, final)
        horizon = self.config.horizon
        seen = batch.values[:, :-horizon]
        params = self.at_end(seen, batch.calendar, dropout_seed=dropout_seed)
        z = self.scaled(batch.values[:, -horizon:], self.bases(seen))
        return self.distribution.loss(params, z), carry

    def at_end(self, values: tf.Tensor, calendar: tf.Tensor, *, dropout_seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the distributions of the steps after a window, for predicts=horizon.

        Args:
          values: [B, D + T, V] float64, raw.
          calendar: [B, T, C].
          dropout_seed: None for no dropout.

        Returns:
          [B, horizon, V, P].
        """
        start = self.initial_carry(tf.shape(values)[0])
        hidden, _ = self.read(self.inputs(values), calendar, start, dropout_seed=dropout_seed)
        return self.predict(hidden[:, -1:], dropout_seed=dropout_seed)[:, 0]

    def bases(self, values: tf.Tensor) -> tf.Tensor | None:
        """Returns the values from which the next `horizon` steps are counted: those of the last D steps, repeated.

        Args:
          values: [B, D + T, V], raw.

        Returns:
          [B, horizon, V] (the seasonal naive forecast with a season of D), or None if D = 0.
        """
        steps = self.config.difference
        return tf.gather(values[:, -steps:], np.arange(self.config.horizon) % steps, axis=1) if steps else None

    def at_every_step(self, values: tf.Tensor, calendar: tf.Tensor, carry: CellStates) -> tuple[tf.Tensor, CellStates]:
        """Returns the distribution of the value after each step, for predicts=step.

        Args:
          values: [B, D + T, V] float64, raw.
          calendar: [B, T, C].
          carry: state before the first of the T steps.

        Returns:
          params [B, T, V, P], and the state after the last step.
        """
        hidden, final = self.read(self.inputs(values), calendar, carry, dropout_seed=None)
        return self.predict(hidden, dropout_seed=None)[:, :, 0], final

    def roll(
        self, params: tf.Tensor, carry: CellStates, calendar: tf.Tensor, uniforms: tf.Tensor, *, sample: bool
    ) -> Rolled:
        """Feeds predictions back for K steps, for predicts=step.

        Args:
          params: [N, V, P], the distribution of the first step.
          carry: state after the last step read.
          calendar: [N, K, C], beside each step that is fed back.
          uniforms: [N, K, V] in (0, 1): which value of its distribution a step takes.
          sample: False feeds back the mean, and `uniforms` only gives the shape.
        """
        steps = tf.shape(uniforms)[1]
        kept = [tf.TensorArray(tf.float32, size=steps, element_shape=shape) for shape in ([None, None], params.shape)]

        def body(k: tf.Tensor, params: tf.Tensor, carry: CellStates, kept: list[tf.TensorArray]) -> tuple[Any, ...]:
            z = self.distribution.inverse(params, uniforms[:, k]) if sample else self.distribution.mean(params)
            kept = [array.write(k, x) for array, x in zip(kept, (z, params), strict=True)]
            hidden, carry = self.read(z[:, tf.newaxis], calendar[:, k : k + 1], carry, dropout_seed=None)
            return k + 1, self.predict(hidden, dropout_seed=None)[:, 0, 0], carry, kept

        *_, kept = tf.while_loop(lambda k, *_: k < steps, body, (tf.constant(0), params, carry, kept))
        z, found = (array.stack() for array in kept)  # [K, N, V], [K, N, V, P]
        return Rolled(tf.transpose(z, [1, 0, 2]), tf.transpose(found, [1, 0, 2, 3]))
