"""The bridge: from the output of an encoder to the initial state of a decoder."""

from __future__ import annotations

import tensorflow as tf

from seq2seq_tf.nn.products import product
from seq2seq_tf.structures import CellStates, EncoderOutput


def mean_of_values(encoded: EncoderOutput) -> tf.Tensor:
    """Returns [B, D]: the mean of the encoder's outputs over real pieces (Sennrich 2017, Nematus)."""
    real = tf.cast(encoded.mask, tf.float32)[:, :, tf.newaxis]  # [B, S, 1]
    return tf.reduce_sum(encoded.values * real, 1) / tf.maximum(tf.reduce_sum(real, 1), 1.0)


def joined_finals(encoded: EncoderOutput) -> CellStates:
    """Returns the final state of each encoder layer, directions concatenated: (h,) or (h, c), each [B, D].

    Raises:
      ValueError: the encoder has no final state.
    """
    if not encoded.final:
        raise ValueError("bridge=final needs an encoder with a final state")
    directions = encoded.values.shape[2] // encoded.final[0][0].shape[1]
    layers = [encoded.final[n : n + directions] for n in range(0, len(encoded.final), directions)]
    return tuple(tuple(tf.concat(same, 1) for same in zip(*layer, strict=True)) for layer in layers)


def from_mean(mean: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, layers: int, states: int) -> CellStates:
    """Returns the state of each decoder layer before the first piece, tanh(mean W + b).

    Args:
      mean: [B, D].
      kernel: [D, layers * states * H]; block n * states + s of its columns gives tensor s of decoder layer n.
      bias: [layers * states * H].
      layers, states: number of decoder layers, and of state tensors per layer.
    """
    tensors = tf.split(tf.tanh(product(mean, kernel) + bias), layers * states, axis=1)
    return tuple(tuple(tensors[n * states : (n + 1) * states]) for n in range(layers))


def from_final(final: CellStates, kernel: tf.Tensor, bias: tf.Tensor, layers: int) -> CellStates:
    """Returns the state of each decoder layer before the first piece, tanh(x W + b) for each of its tensors.

    x is the same tensor of the encoder's final state (h for h, c for c): that of the same layer if encoder and decoder
    are equally deep, else that of the encoder's top layer.

    Args:
      final: from `joined_finals`.
      kernel, bias, layers: as for `from_mean`.
    """
    used = final if len(final) == layers else final[-1:] * layers
    states = len(final[0])
    kernels, biases = tf.split(kernel, layers * states, axis=1), tf.split(bias, layers * states)

    def bridged(n: int, s: int) -> tf.Tensor:
        block = n * states + s
        return tf.tanh(product(used[n][s], kernels[block]) + biases[block])  # [B, H]

    return tuple(tuple(bridged(n, s) for s in range(states)) for n in range(layers))
