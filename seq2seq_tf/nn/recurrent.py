"""Layers of cells over time. Padding leaves a state unchanged, so it has no effect on the result of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.config.common import NetworkConfig
from seq2seq_tf.nn.cells import CELL_CLASSES, Cell, State
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.kernels.cudnn import cudnn_unroll, use_cudnn
from seq2seq_tf.nn.kernels.fused_lstm import lstm_unroll
from seq2seq_tf.nn.layer import ConfiguredLayer, drawn_seed, real_steps, register
from seq2seq_tf.structures import CellStates


class Unrolled(NamedTuple):
    """Results of running a recurrence over a batch."""

    outputs: tf.Tensor  # [B, T, H] (or [B, T, 2H]), zero on padding
    final: CellStates  # state after the last real step, per layer (and direction)


def make_cell(config: NetworkConfig, units: int, **kwargs: Any) -> Cell:
    """Returns a cell of the configured kind, not built yet. kwargs: name and dtype policy of the layer."""
    return CELL_CLASSES[config.cell](units, forget_bias=config.forget_bias, layer_norm=config.layer_norm, **kwargs)


def unroll(
    cell: Cell, inputs: tf.Tensor, mask: tf.Tensor, initial: State, *, reverse: bool, fused: bool
) -> tuple[tf.Tensor, State]:
    """Runs a cell over time.

    Args:
      cell: built with context_units=0.
      inputs: [B, T, I].
      mask: [B, T] bool; where False the state passes through and the output is zero.
      initial: state before the first step.
      reverse: start at the last time step.
      fused: use the hand-written gradient where there is one (LSTM without layer normalisation).

    Returns:
      outputs [B, T, H] in the order of the inputs, and the state after the last real step.
    """
    projected = cell.project(tf.transpose(inputs, [1, 0, 2]))  # [T, B, G*H]
    steps_mask = tf.transpose(tf.cast(mask, tf.float32))[:, :, tf.newaxis]  # [T, B, 1]
    weights = cell.weights_for_steps()
    if fused and type(cell).__name__ == "LSTMCell" and not cell.layer_norm:
        outputs, final = lstm_unroll(projected, steps_mask, initial, weights[0], reverse=reverse)
    else:
        outputs, final = _plain_unroll(cell, projected, steps_mask, initial, reverse)
    return tf.transpose(outputs * steps_mask, [1, 0, 2]), final  # [B, T, H]


def _plain_unroll(
    cell: Cell, projected: tf.Tensor, steps_mask: tf.Tensor, initial: State, reverse: bool
) -> tuple[tf.Tensor, State]:
    """Runs the plain loop, whose gradient is left to automatic differentiation. projected: [T, B, G*H]."""
    steps = tf.shape(projected)[0]
    weights = cell.weights_for_steps()
    no_context = tf.zeros([tf.shape(projected)[1], 0])

    def body(i: tf.Tensor, state: State, outputs: tf.TensorArray) -> tuple[tf.Tensor, State, tf.TensorArray]:
        t = steps - 1 - i if reverse else i
        new = cell.step(weights, projected[t], no_context, state)
        real = steps_mask[t] > 0.0  # [B, 1]
        state = tuple(tf.where(real, n, old) for n, old in zip(new, state, strict=True))
        return i + 1, state, outputs.write(t, state[0])

    outputs = tf.TensorArray(tf.float32, size=steps, element_shape=initial[0].shape)
    start = (tf.constant(0), initial, outputs)
    # XLA cannot differentiate a loop of unknown length.
    _, final, outputs = tf.while_loop(lambda i, *_: i < steps, body, start, maximum_iterations=steps)
    stacked = outputs.stack()  # [T, B, H]
    stacked.set_shape([None, None, cell.units])
    return stacked, final


@register
class RecurrentStack(ConfiguredLayer):
    """Layers of cells, each reading the one below; used by the encoder and by every other sequence model.

    Residual connections add a layer's input to its output from the second layer on (He 2016; Wu 2016); dropout
    is applied between layers.

    Args:
      config: cell, forget_bias, layer_norm, residual, layer_dropout, variational, fused, cudnn.
      units: H per direction.
      layers: depth.
      bidirectional: each layer reads both ways and outputs [forward; backward] (Schuster 1997).
      return_state: whether `call` returns the final states too, as in Keras' recurrent layers.
      kwargs: name and dtype policy of the layer.
    """

    options = NetworkConfig

    def __init__(
        self,
        config: NetworkConfig,
        *,
        units: int,
        layers: int,
        bidirectional: bool,
        return_state: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.return_state = return_state
        self.config = config
        self.units = units
        self.bidirectional = bidirectional
        self.output_units = units * (2 if bidirectional else 1)
        directions = ("forward", "backward") if bidirectional else ("forward",)
        # Tuples: a checkpoint skips sublayers held in lists.
        self.cells = tuple(
            tuple(make_cell(config, units, dtype=self.dtype_policy, name=f"{d}_{n}") for d in directions)
            for n in range(layers)
        )
        shared = (1,) if config.variational else ()
        self.dropouts = tuple(
            Dropout(config.layer_dropout, f"{self.name}/layer_{n}", shared_axes=shared) for n in range(layers)
        )

    def build(self, inputs_shape: Sequence[int | None]) -> None:
        """Creates the variables for inputs [B, T, I]."""
        input_units = inputs_shape[-1]
        assert input_units is not None
        for layer in self.cells:
            for cell in layer:
                cell.build(input_units, 0)
            input_units = self.output_units

    def zero_state(self, rows: tf.Tensor) -> CellStates:
        """Returns zeros for every layer and direction, in the order of `Unrolled.final`."""
        return tuple(cell.zero_state(rows) for cell in self.flat_cells)

    @property
    def flat_cells(self) -> tuple[Cell, ...]:
        """The cells in the order of `Unrolled.final`; older versions of Keras skip layers in nested tuples."""
        return tuple(cell for layer in self.cells for cell in layer)

    def unroll(
        self,
        inputs: tf.Tensor,
        mask: tf.Tensor,
        initial: CellStates,
        *,
        dropout_seed: tf.Tensor | None,
        padded_right: bool = True,
    ) -> Unrolled:
        """Runs the stack over time.

        Args:
          inputs: [B, T, I].
          mask: [B, T] bool, True on real steps.
          initial: states, structured as those of `zero_state`.
          dropout_seed: [2] int32 in a training step, which may use cuDNN; None otherwise, as other graphs may be saved
            and run elsewhere.
          padded_right: whether the real steps of each row come first, which cuDNN requires.
        """
        cudnn = self.config.cudnn and dropout_seed is not None and padded_right
        final: list[State] = []
        x = inputs
        for n, layer in enumerate(self.cells):
            below = self.dropouts[n](x, dropout_seed) if n else x
            outputs = []
            for direction, cell in enumerate(layer):
                start, reverse = initial[len(final)], direction == 1
                if cudnn and use_cudnn(cell):
                    output, last = cudnn_unroll(cell, below, mask, start, reverse=reverse)
                else:
                    output, last = unroll(cell, below, mask, start, reverse=reverse, fused=self.config.fused)
                outputs.append(output)
                final.append(last)
            y = tf.concat(outputs, -1) if len(outputs) > 1 else outputs[0]  # [B, T, output_units]
            x = x + y if n and self.config.residual else y
        return Unrolled(x, tuple(final))

    def call(
        self,
        inputs: tf.Tensor,
        mask: tf.Tensor | None = None,
        training: bool | None = None,
        initial_state: Any = None,
    ) -> tf.Tensor | tuple[tf.Tensor, ...]:
        """Runs the stack like a recurrent Keras layer that returns sequences.

        Args:
          inputs: [B, T, I].
          mask: [B, T] bool, False on padding, wherever it is; default: the Keras mask, if any, else all True.
          training: whether dropout is on.
          initial_state: tensors [B, H], in the order of the final states below; zeros by default.

        Returns:
          outputs [B, T, D], zero on padding; with `return_state` (outputs, *final states), layer by layer and
          direction by direction: h, and for an LSTM also c.
        """
        start = self.zero_state(tf.shape(inputs)[0])
        if initial_state is not None:
            start = tf.nest.pack_sequence_as(start, tf.nest.flatten(initial_state))
        all_real = mask is None and getattr(inputs, "_keras_mask", None) is None
        real, seed = real_steps(inputs, mask), drawn_seed(training)
        found = self.unroll(tf.cast(inputs, tf.float32), real, start, dropout_seed=seed, padded_right=all_real)
        return (found.outputs, *tf.nest.flatten(found.final)) if self.return_state else found.outputs

    def compute_mask(self, inputs: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor | None:
        """Returns the mask of the outputs: that of the inputs."""
        del inputs
        return mask

    def get_config(self) -> dict[str, Any]:
        """See `keras.layers.Layer.get_config`."""
        return {
            **super().get_config(),
            "units": self.units,
            "layers": len(self.cells),
            "bidirectional": self.bidirectional,
            "return_state": self.return_state,
        }
