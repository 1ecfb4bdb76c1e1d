"""One direction of an LSTM or GRU layer in a single cuDNN call, on an NVIDIA GPU: the same as `recurrent.unroll`.

The variables are those of the cells, so a run may be trained with cuDNN and go on without it. Tensors are float32 at
every `train.precision`: the states keep their precision, and the kernel uses the tensor cores through TF32.
"""

from __future__ import annotations

import tensorflow as tf

from seq2seq_tf.nn.cells import Cell, GRUCell, LSTMCell, State


def use_cudnn(cell: Cell) -> bool:
    """Whether this cell can be run by `cudnn_unroll` here: a kind that cuDNN has, and an NVIDIA GPU is visible.

    Ask while tracing a training step only. A graph that is kept (a SavedModel) must run where no GPU is.
    """
    known = isinstance(cell, LSTMCell | GRUCell) and not cell.layer_norm and not cell.context_units
    return known and tf.sysconfig.get_build_info()["is_cuda_build"] and bool(tf.config.list_logical_devices("GPU"))


def cudnn_unroll(
    cell: Cell, inputs: tf.Tensor, mask: tf.Tensor, initial: State, *, reverse: bool
) -> tuple[tf.Tensor, State]:
    """Runs a cell over time; arguments and results as those of `recurrent.unroll`.

    Args:
      cell: one that `use_cudnn` accepts.
      inputs: [B, T, I].
      mask: [B, T] bool; the real steps of a row come first. A row may have none.
      initial: state before the first step.
      reverse: start at the last real step.
    """
    lengths = tf.reduce_sum(tf.cast(mask, tf.int32), 1)  # [B]
    # cuDNN refuses rows without a step. They take one, and what comes of it is dropped below.
    steps = tf.maximum(lengths, 1)
    in_order = tf.reverse_sequence(inputs, steps, seq_axis=1, batch_axis=0) if reverse else inputs  # [B, T, I]
    lstm = isinstance(cell, LSTMCell)
    outputs, *new, _, _ = tf.raw_ops.CudnnRNNV3(
        input=in_order,
        input_h=initial[0][:, tf.newaxis],  # [B, 1, H], one layer
        input_c=initial[1][:, tf.newaxis] if lstm else tf.zeros([]),
        params=_lstm_parameters(cell) if lstm else _gru_parameters(cell),
        sequence_lengths=steps,
        rnn_mode="lstm" if lstm else "gru",
        time_major=False,
        is_training=True,  # otherwise there is no gradient
    )
    if reverse:
        outputs = tf.reverse_sequence(outputs, steps, seq_axis=1, batch_axis=0)
    some = (lengths > 0)[:, tf.newaxis]  # [B, 1]
    final = tuple(tf.where(some, n[:, 0], old) for n, old in zip(new, initial, strict=False))  # a GRU has no c
    return outputs * tf.cast(mask, tf.float32)[:, :, tf.newaxis], final  # [B, T, H]


def _lstm_parameters(cell: Cell) -> tf.Tensor:
    """Returns cuDNN's flat parameters: the order of the gates is ours; of its two biases the first stays zero."""
    bias = tf.convert_to_tensor(cell.bias)
    return _flat(cell, [0, 1, 2, 3], tf.zeros_like(bias), bias)


def _gru_parameters(cell: Cell) -> tf.Tensor:
    """Returns cuDNN's flat parameters: its gates are reset, update, candidate, ours update, reset, candidate."""
    return _flat(cell, [1, 0, 2], tf.convert_to_tensor(cell.bias), tf.convert_to_tensor(cell.recurrent_bias))


def _flat(cell: Cell, order: list[int], *biases: tf.Tensor) -> tf.Tensor:
    """Returns the transposed kernels of all gates, input's and state's, and then the biases, end to end."""
    parts = []
    for kernel in (cell.kernel, cell.recurrent_kernel):
        gates = tf.split(tf.convert_to_tensor(kernel), cell.gates, axis=1)
        parts += [tf.reshape(tf.transpose(gates[n]), [-1]) for n in order]
    for bias in biases:
        gates = tf.split(bias, cell.gates)
        parts += [gates[n] for n in order]
    return tf.concat(parts, 0)
