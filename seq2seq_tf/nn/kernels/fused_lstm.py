"""The LSTM over time with its own backward pass: the same values as the plain loop, from fewer and larger products.

Automatic differentiation of the loop adds up the recurrent kernel's gradient step by step. Here the backward loop
only carries the state's gradients and stores the gates' gradients; one large product after the loop gives the
kernel's. `_plain_unroll` in recurrent.py is the reference in the tests.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.products import product


class Gates(NamedTuple):
    """Activated gates of one step."""

    i_f: tf.Tensor  # [N, 2H], sigmoid: input and forget gate
    g: tf.Tensor  # [N, H], tanh: candidate
    o: tf.Tensor  # [N, H], sigmoid: output gate


def lstm_activate(preactivations: tf.Tensor) -> Gates:
    """Returns the gates of [N, 4H] pre-activations."""
    units = preactivations.shape[1] // 4
    i_f, g, o = tf.split(preactivations, [2 * units, units, units], axis=1)
    return Gates(tf.sigmoid(i_f), tf.tanh(g), tf.sigmoid(o))


def lstm_state(gates: Gates, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns h, c and tanh(c) after a step, each [N, H]."""
    i, f = tf.split(gates.i_f, 2, axis=1)
    c = f * c + i * gates.g
    tanh_c = tf.tanh(c)
    return gates.o * tanh_c, c, tanh_c


def lstm_gate_gradient(
    gates: Gates, c_prev: tf.Tensor, tanh_c: tf.Tensor, dh: tf.Tensor, dc: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs one LSTM step backwards.

    Args:
      gates: from `lstm_activate`.
      c_prev, tanh_c: [N, H], the cell before the step and tanh of the cell after it.
      dh, dc: [N, H], gradients of the state after the step.

    Returns:
      gradients of the pre-activations [N, 4H] and of c_prev [N, H].
    """
    i, f = tf.split(gates.i_f, 2, axis=1)
    dc = dc + _tanh_gradient(tanh_c, dh * gates.o)
    d_i = _sigmoid_gradient(i, dc * gates.g)
    d_f = _sigmoid_gradient(f, dc * c_prev)
    d_g = _tanh_gradient(gates.g, dc * i)
    d_o = _sigmoid_gradient(gates.o, dh * tanh_c)
    return tf.concat([d_i, d_f, d_g, d_o], 1), dc * f


def _sigmoid_gradient(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Returns dy * y * (1 - y), computed in one pass."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=dy)


def _tanh_gradient(y: tf.Tensor, dy: tf.Tensor) -> tf.Tensor:
    """Returns dy * (1 - y * y), computed in one pass."""
    return tf.raw_ops.TanhGrad(y=y, dy=dy)


def lstm_unroll(
    projected: tf.Tensor,
    steps_mask: tf.Tensor,
    initial: tuple[tf.Tensor, ...],
    kernel: tf.Tensor,
    *,
    reverse: bool,
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
    """Runs an LSTM over time.

    Args:
      projected: [T, B, 4H], the input's share of the gates.
      steps_mask: [T, B, 1] float, 1 on real steps; elsewhere the state passes through.
      initial: (h, c), each [B, H].
      kernel: [H, 4H], float32, bfloat16 or float16.
      reverse: start at the last time step.

    Returns:
      h [T, B, H] and the final (h, c).
    """

    @tf.custom_gradient
    def run(
        projected: tf.Tensor, h_0: tf.Tensor, c_0: tf.Tensor, kernel: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, tf.Tensor, tf.Tensor], Any]:
        (hs, h_n, c_n), saved = _forward(projected, steps_mask, (h_0, c_0), kernel, reverse)

        def gradient(d_hs: tf.Tensor, d_h: tf.Tensor, d_c: tf.Tensor) -> tuple[tf.Tensor, ...]:
            d_gates, d_h_0, d_c_0 = _backward(saved, steps_mask, kernel, (d_hs, d_h, d_c), reverse)
            units = h_0.shape[1]
            before = _shift(hs, h_0, reverse)  # [T, B, H]
            d_kernel = tf.matmul(
                tf.reshape(tf.cast(before, kernel.dtype), [-1, units]),
                tf.reshape(tf.cast(d_gates, kernel.dtype), [-1, 4 * units]),
                transpose_a=True,
            )  # [H, 4H]
            return d_gates, d_h_0, d_c_0, d_kernel

        return (hs, h_n, c_n), gradient

    hs, h_n, c_n = run(projected, *initial, kernel)
    return hs, (h_n, c_n)


def _shift(states: tf.Tensor, initial: tf.Tensor, reverse: bool) -> tf.Tensor:
    """Returns the states before each step, [T, B, H], in the order of time."""
    if reverse:
        return tf.concat([states[1:], initial[tf.newaxis]], 0)
    return tf.concat([initial[tf.newaxis], states[:-1]], 0)


def _forward(
    projected: tf.Tensor, steps_mask: tf.Tensor, initial: tuple[tf.Tensor, tf.Tensor], kernel: tf.Tensor, reverse: bool
) -> tuple[tuple[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.TensorArray, ...]]:
    """Returns (h over time, final h, final c) and, unstacked, what the backward loop reads step by step."""
    steps, units = tf.shape(projected)[0], initial[0].shape[1]

    def array(width: int) -> tf.TensorArray:
        return tf.TensorArray(tf.float32, size=steps, element_shape=[None, width], clear_after_read=False)

    def body(
        n: tf.Tensor, h: tf.Tensor, c: tf.Tensor, saved: tuple[tf.TensorArray, ...]
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tuple[tf.TensorArray, ...]]:
        t = steps - 1 - n if reverse else n
        gates = lstm_activate(projected[t] + product(h, kernel))
        new_h, new_c, tanh_c = lstm_state(gates, c)
        real = steps_mask[t]  # [B, 1]
        h = h + real * (new_h - h)
        saved = tuple(a.write(t, x) for a, x in zip(saved, (h, c, tanh_c, *gates), strict=True))
        return n + 1, h, c + real * (new_c - c), saved

    arrays = tuple(array(width) for width in (units, units, units, 2 * units, units, units))
    _, h, c, arrays = tf.while_loop(lambda n, *_: n < steps, body, (tf.constant(0), *initial, arrays))
    hs, *saved = arrays
    return (hs.stack(), h, c), tuple(saved)


def _backward(
    saved: tuple[tf.TensorArray, ...],
    steps_mask: tf.Tensor,
    kernel: tf.Tensor,
    upstream: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    reverse: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns gradients of the pre-activations over time [T, B, 4H], of the initial h and of the initial c."""
    before, tanhs, *gates = saved
    d_hs, d_h, d_c = upstream
    steps, units = tf.shape(d_hs)[0], d_hs.shape[2]

    def body(
        n: tf.Tensor, d_h: tf.Tensor, d_c: tf.Tensor, out: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.TensorArray]:
        t = n if reverse else steps - 1 - n
        real = steps_mask[t]
        d_h = d_h + d_hs[t]
        d_gates, d_c_prev = lstm_gate_gradient(
            Gates(*(x.read(t) for x in gates)), before.read(t), tanhs.read(t), real * d_h, real * d_c
        )
        d_h_prev = product(d_gates, kernel, transpose_kernel=True)  # [B, H]
        passed = 1.0 - real
        return n + 1, d_h_prev + passed * d_h, d_c_prev + passed * d_c, out.write(t, d_gates)

    out = tf.TensorArray(tf.float32, size=steps, element_shape=[None, 4 * units])
    _, d_h, d_c, out = tf.while_loop(lambda n, *_: n < steps, body, (tf.constant(0), d_h, d_c, out))
    return out.stack(), d_h, d_c
