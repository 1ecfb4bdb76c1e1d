"""One direction of an LSTM or GRU layer in a single cuDNN call on an NVIDIA GPU: an equivalent of `recurrent.unroll`.

The variables are those of the cells, so a run may be trained with cuDNN and resumed without it. Tensors are float32 at
every `train.precision`: the states keep their precision, and the kernel uses the tensor cores through TF32.
"""

from __future__ import annotations

import tensorflow as tf

from seq2seq_tf.nn.cells import Cell, GRUCell, LSTMCell, State


def use_cudnn(cell: Cell) -> bool:
    """Returns whether `cudnn_unroll` can run this cell here: cuDNN has its kind, and an NVIDIA GPU is visible.

    Call this only while tracing a training step. A graph that is saved (a SavedModel) must run without a GPU too.
    """
    known = isinstance(cell, LSTMCell | GRUCell) and not cell.layer_norm and not cell.context_units
    return known and tf.sysconfig.get_build_info()["is_cuda_build"] and bool(tf.config.list_logical_devices("GPU"))


def cudnn_unroll(
    cell: Cell, inputs: tf.Tensor, mask: tf.Tensor, initial: State, *, reverse: bool
) -> tuple[tf.Tensor, State]:
    """Runs a cell over time; arguments and results as for `recurrent.unroll`.

    Args:
      cell: one that `use_cudnn` accepts.
      inputs: [B, T, I].
      mask: [B, T] bool; the real steps of a row come first. A row may have none.
      initial: state before the first step.
      reverse: start at the last real step.
    """
    lengths = tf.reduce_sum(tf.cast(mask, tf.int32), 1)  # [B]
    # cuDNN rejects rows without steps. They are given one, and its result is dropped below.
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
    """Returns cuDNN's flat parameters: gates in the same order as ours; the first of its two biases stays zero."""
    bias = tf.convert_to_tensor(cell.bias)
    return _flat(cell, [0, 1, 2, 3], tf.zeros_like(bias), bias)


def _gru_parameters(cell: Cell) -> tf.Tensor:
    """Returns cuDNN's flat parameters: its gates are reset, update, candidate; ours are update, reset, candidate."""
    return _flat(cell, [1, 0, 2], tf.convert_to_tensor(cell.bias), tf.convert_to_tensor(cell.recurrent_bias))


def _flat(cell: Cell, order: list[int], *biases: tf.Tensor) -> tf.Tensor:
    """Returns one vector: the transposed kernels of all gates, first the input's, then the state's, and the biases."""
    parts = []
    for kernel in (cell.kernel, cell.recurrent_kernel):
        gates = tf.split(tf.convert_to_tensor(kernel), cell.gates, axis=1)
        parts += [tf.reshape(tf.transpose(gates[n]), [-1]) for n in order]
    for bias in biases:
        gates = tf.split(bias, cell.gates)
        parts += [gates[n] for n in order]
    return tf.concat(parts, 0)
