"""The recurrent cells: vanilla RNN (Elman 1990), LSTM (Hochreiter 1997, Gers 2000) and GRU (Cho 2014).

A cell has two main methods. `project` computes the input's share of the gates, for all time steps at once. `step` does
the rest: one step of the recurrence, given that share. `weights_for_steps` returns the tensors that `step` needs; call
it before a loop, so that nothing is cast or read inside it.

`context` is an input known only inside the loop (the decoder's attention context); its rows are on top of the
state's rows in one recurrent kernel, so that a step costs one product (two in the GRU). Gate order and bias layout are
those of `keras.layers.SimpleRNN`, `LSTM` and `GRU(reset_after=True)`, against which the tests compare.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.products import cast, product

State = tuple[tf.Tensor, ...]
Weights = tuple[tf.Tensor, ...]
_EPSILON = 1e-5


def normalise(x: tf.Tensor, gain: tf.Tensor) -> tf.Tensor:
    """Applies layer normalisation (Ba 2016) without a shift, as the gates have a bias. x: [..., U]; gain: [U]."""
    mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + _EPSILON) * gain


class Cell(Float32Layer):
    """Base class of the three cells: variables, input projection, sizes.

    Args:
      units: H, size of the state.
      forget_bias: initial bias of the LSTM's forget gate; the other cells ignore it.
      layer_norm: normalise the input's and the state's share of the gates (Ba 2016).
      kwargs: name and dtype policy of the layer.
    """

    gates = 1  # number of blocks of H columns in the kernels
    gate_names: tuple[str, ...] = ()  # the gates with values between 0 and 1, in the order of `gate_values`
    states = 1  # number of tensors in the state

    def __init__(self, units: int, *, forget_bias: float, layer_norm: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.forget_bias = forget_bias
        self.layer_norm = layer_norm

    def build(self, input_units: int, context_units: int) -> None:
        """Creates the variables for inputs [..., input_units] and contexts [N, context_units]."""
        width = self.gates * self.units
        self.context_units = context_units
        self.kernel = self.add_weight(shape=(input_units, width), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(context_units + self.units, width), initializer=self._recurrent_initial, name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(width,), initializer=self._bias_initial, name="bias")
        if self.layer_norm:
            self.input_gain = self.add_weight(shape=(width,), initializer="ones", name="input_gain")
            self.recurrent_gain = self.add_weight(shape=(width,), initializer="ones", name="recurrent_gain")

    def _recurrent_initial(self, shape: tuple[int, int], dtype: str | None = None) -> tf.Tensor:
        """Returns Glorot values for the context's rows, one orthogonal square per gate for the state's (Saxe 2014)."""
        squares = [keras.initializers.Orthogonal()((self.units, self.units), dtype) for _ in range(self.gates)]
        state_rows = tf.concat(squares, 1)
        if not self.context_units:
            return state_rows
        context_rows = keras.initializers.GlorotUniform()((self.context_units, shape[1]), dtype)
        return tf.concat([context_rows, state_rows], 0)

    def _bias_initial(self, shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
        return tf.zeros(shape, dtype or tf.float32)

    def input_kernel(self) -> tf.Tensor:
        """Returns the kernel [I, G*H] in the type of the product, for `project`; call this before a loop."""
        return cast(self.kernel, self.compute_dtype)

    def project(self, inputs: tf.Tensor, kernel: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the input's share of the gates, including the bias.

        Args:
          inputs: [..., I].
          kernel: from `input_kernel`, to be given when called in a loop.

        Returns:
          [..., G*H].
        """
        projected = product(inputs, self.input_kernel() if kernel is None else kernel)
        if self.layer_norm:
            projected = normalise(projected, self.input_gain)
        return projected + self.bias

    def zero_state(self, rows: tf.Tensor) -> State:
        """Returns the state before the first step: `states` tensors [rows, H] of zeros."""
        return tuple(tf.zeros([rows, self.units]) for _ in range(self.states))

    def weights_for_steps(self) -> Weights:
        """Returns the weights that `step` takes."""
        norm = (tf.convert_to_tensor(self.recurrent_gain),) if self.layer_norm else ()
        return (cast(self.recurrent_kernel, self.compute_dtype), *norm)

    def _recurrent_share(self, weights: Weights, context: tf.Tensor, h: tf.Tensor) -> tf.Tensor:
        fed = tf.concat([context, h], -1) if self.context_units else h  # [..., F+H]
        share = product(fed, weights[0])  # [..., G*H]
        return normalise(share, weights[1]) if self.layer_norm else share

    def step(self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, state: State) -> State:
        """Returns the next state.

        Args:
          weights: from `weights_for_steps`.
          projected: [N, G*H], one time step of `project`.
          context: [N, F]; ignored if the cell was built with context_units=0.
          state: `states` tensors [N, H]; the first is the output h.
        """
        raise NotImplementedError

    def gate_values(
        self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, h: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Returns the gates [..., H] of one step or of many at once, named by `gate_names`.

        Args:
          weights: from `weights_for_steps`.
          projected: [..., G*H], from `project`.
          context: [..., F]; ignored if the cell was built with context_units=0.
          h: [..., H], the output before the step.
        """
        del weights, projected, context, h
        return ()


class RNNCell(Cell):
    """h' = tanh(W x + U h + b)."""

    def step(self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, state: State) -> State:
        return (tf.tanh(projected + self._recurrent_share(weights, context, state[0])),)


class LSTMCell(Cell):
    """i, f, g, o = gates;  c' = f * c + i * g;  h' = o * tanh(c')."""

    gates = 4
    gate_names = ("input", "forget", "output")
    states = 2

    def build(self, input_units: int, context_units: int) -> None:
        super().build(input_units, context_units)
        if self.layer_norm:
            self.cell_gain = self.add_weight(shape=(self.units,), initializer="ones", name="cell_gain")

    def _bias_initial(self, shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
        blocks = [0.0, self.forget_bias, 0.0, 0.0]
        return tf.repeat(tf.constant(blocks, dtype or tf.float32), self.units)

    def weights_for_steps(self) -> Weights:
        norm = (tf.convert_to_tensor(self.cell_gain),) if self.layer_norm else ()
        return (*super().weights_for_steps(), *norm)

    def step(self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, state: State) -> State:
        h, c = state
        gates = projected + self._recurrent_share(weights, context, h)  # [N, 4H]
        i, f, g, o = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        seen = normalise(c, weights[2]) if self.layer_norm else c
        return tf.sigmoid(o) * tf.tanh(seen), c

    def gate_values(
        self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, h: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        gates = projected + self._recurrent_share(weights, context, h)  # [..., 4H]
        i, f, _, o = tf.split(tf.sigmoid(gates), 4, axis=-1)
        return i, f, o


class GRUCell(Cell):
    """z, r = gates;  g = tanh(W x + r * (U h + b));  h' = z * h + (1 - z) * g (reset after the product, like cuDNN)."""

    gates = 3
    gate_names = ("update", "reset")

    def build(self, input_units: int, context_units: int) -> None:
        super().build(input_units, context_units)
        self.recurrent_bias = self.add_weight(shape=(3 * self.units,), initializer="zeros", name="recurrent_bias")

    def weights_for_steps(self) -> Weights:
        # The reset gate scales the state's share only, so the context's rows need a separate product.
        kernel = cast(self.recurrent_kernel, self.compute_dtype)
        norm = (tf.convert_to_tensor(self.recurrent_gain),) if self.layer_norm else ()
        context_kernel, state_kernel = kernel[: self.context_units], kernel[self.context_units :]
        return (state_kernel, tf.convert_to_tensor(self.recurrent_bias), context_kernel, *norm)

    def step(self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, state: State) -> State:
        (h,) = state
        projected, share = self._shares(weights, projected, context, h)
        x_zr, x_g = tf.split(projected, [2 * self.units, self.units], axis=1)
        h_zr, h_g = tf.split(share, [2 * self.units, self.units], axis=1)
        z, r = tf.split(tf.sigmoid(x_zr + h_zr), 2, axis=1)
        g = tf.tanh(x_g + r * h_g)
        return (z * h + (1.0 - z) * g,)

    def gate_values(
        self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, h: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        projected, share = self._shares(weights, projected, context, h)
        z, r, _ = tf.split(tf.sigmoid(projected + share), 3, axis=-1)
        return z, r

    def _shares(
        self, weights: Weights, projected: tf.Tensor, context: tf.Tensor, h: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the shares of the inputs (context included) and of the state in the gates, each [..., 3H]."""
        state_kernel, recurrent_bias, context_kernel = weights[:3]
        if self.context_units:
            projected = projected + product(context, context_kernel)
        share = product(h, state_kernel)  # [..., 3H]
        return projected, (normalise(share, weights[3]) if self.layer_norm else share) + recurrent_bias


NamedCells = tuple[tuple[str, Cell, bool], ...]  # name in the network, cell, whether it reads from the end
CELL_CLASSES: dict[str, type[Cell]] = {"rnn": RNNCell, "lstm": LSTMCell, "gru": GRUCell}
