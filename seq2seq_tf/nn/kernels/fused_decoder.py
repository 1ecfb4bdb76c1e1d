"""The one-layer LSTM decoder with additive attention and input feeding, with its own backward pass.

It computes the same values as `AttentionDecoder._plain_unroll` (the reference in the tests), but the backward loop
carries only the state's gradients. Kernel gradients and the gradient of the values are single large products after
the loop.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.attention_scores import additive_scores
from seq2seq_tf.nn.kernels.fused_lstm import Gates, lstm_activate, lstm_gate_gradient, lstm_state
from seq2seq_tf.nn.products import product
from seq2seq_tf.structures import DecoderState, Memory


class _Inputs(NamedTuple):
    """All tensors that the recurrence is differentiated with respect to."""

    projected: tf.Tensor  # [T, B, 4H]
    h: tf.Tensor  # [B, H]
    c: tf.Tensor  # [B, H]
    context: tf.Tensor  # [B, D]
    keys: tf.Tensor  # [B, S, A]
    values: tf.Tensor  # [B, S, D]
    kernel: tf.Tensor  # [D+H, 4H]
    query_kernel: tf.Tensor  # [H, A]
    v: tf.Tensor  # [A]


class _Saved(NamedTuple):
    """What the backward loop needs from each step: T tensors per field, stacked only where all are needed at once."""

    hs: tf.TensorArray  # [B, H] after the step
    contexts: tf.TensorArray  # [B, D] after the step
    attention_weights: tf.TensorArray  # [B, S]
    queries: tf.TensorArray  # [B, A] projected
    cells: tf.TensorArray  # [B, H] before the step
    tanhs: tf.TensorArray  # [B, H] tanh of the cell after the step
    i_f: tf.TensorArray  # [B, 2H] activated gates, as in `Gates`
    g: tf.TensorArray  # [B, H]
    o: tf.TensorArray  # [B, H]


class _Outputs(NamedTuple):
    """Outputs of the recurrence, time first."""

    hs: tf.Tensor  # [T, B, H]
    contexts: tf.Tensor  # [T, B, D]
    attention_weights: tf.Tensor  # [T, B, S]


def attention_lstm_unroll(
    projected: tf.Tensor, state: DecoderState, memory: Memory, weights: Any
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Runs the decoder over time.

    Args:
      projected: [T, B, 4H], the embedded pieces' share of the gates.
      state: before the first step; one LSTM layer.
      memory: of the B sentences.
      weights: `StepWeights` of the decoder.

    Returns:
      outputs [T, B, H], contexts [T, B, D], attention weights [T, B, S] (without a gradient).
    """

    @tf.custom_gradient
    def run(*tensors: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor, tf.Tensor], Any]:
        inputs = _Inputs(*tensors)
        saved = _forward(inputs, memory.mask)
        outputs = _Outputs(saved.hs.stack(), saved.contexts.stack(), saved.attention_weights.stack())

        def gradient(d_hs: tf.Tensor, d_contexts: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return tuple(_backward(inputs, saved, outputs, (d_hs, d_contexts)))

        return tuple(outputs), gradient

    ((h, c),) = state.cells
    kernel, (query_kernel, v) = weights.cells[0][0], weights.attention
    hs, contexts, attention_weights = run(
        projected, h, c, state.context, memory.keys, memory.values, kernel, query_kernel, v
    )
    return hs, contexts, tf.stop_gradient(attention_weights)


def _forward(inputs: _Inputs, mask: tf.Tensor) -> _Saved:
    steps = tf.shape(inputs.projected)[0]
    units, depth, attention_units = inputs.h.shape[1], inputs.context.shape[1], inputs.v.shape[0]
    widths = _Saved(units, depth, None, attention_units, units, units, 2 * units, units, units)
    arrays = tuple(
        tf.TensorArray(tf.float32, size=steps, element_shape=[None, w], clear_after_read=False) for w in widths
    )

    def body(
        t: tf.Tensor, h: tf.Tensor, c: tf.Tensor, context: tf.Tensor, arrays: tuple[tf.TensorArray, ...]
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tuple[tf.TensorArray, ...]]:
        fed = tf.concat([context, h], 1)  # [B, D+H]
        gates = lstm_activate(inputs.projected[t] + product(fed, inputs.kernel))
        h, new_c, tanh_c = lstm_state(gates, c)
        query = product(h, inputs.query_kernel)  # [B, A]
        scores = additive_scores(query, inputs.v, inputs.keys, mask)[:, 0]  # [B, S]
        attention_weights = tf.nn.softmax(scores, axis=-1)
        context = tf.matmul(attention_weights[:, tf.newaxis], inputs.values)[:, 0]  # [B, D]
        step = _Saved(h, context, attention_weights, query, c, tanh_c, *gates)
        return t + 1, h, new_c, context, tuple(a.write(t, x) for a, x in zip(arrays, step, strict=True))

    start = (tf.constant(0), inputs.h, inputs.c, inputs.context, arrays)
    *_, arrays = tf.while_loop(lambda t, *_: t < steps, body, start)
    return _Saved(*arrays)


def _backward(inputs: _Inputs, saved: _Saved, outputs: _Outputs, upstream: tuple[tf.Tensor, tf.Tensor]) -> _Inputs:
    """Returns the gradient of each input; upstream: gradients of hs and contexts."""
    d_hs, d_contexts = upstream
    steps = tf.shape(d_hs)[0]
    depth, units = inputs.context.shape[1], inputs.h.shape[1]
    widths = (4 * units, depth, inputs.v.shape[0])
    arrays = tuple(tf.TensorArray(tf.float32, size=steps, element_shape=[None, w]) for w in widths)

    def body(
        n: tf.Tensor,
        carried: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        sums: tuple[tf.Tensor, tf.Tensor],
        arrays: tuple[tf.TensorArray, ...],
    ) -> tuple[Any, ...]:
        t = steps - 1 - n
        d_h, d_c, d_context = carried
        d_context = d_context + d_contexts[t]  # [B, D]
        d_query, d_energy, d_v = _attention_gradient(inputs, saved, t, d_context)
        d_h = d_h + d_hs[t] + product(d_query, inputs.query_kernel, transpose_kernel=True)
        gates = Gates(saved.i_f.read(t), saved.g.read(t), saved.o.read(t))
        d_gates, d_c = lstm_gate_gradient(gates, saved.cells.read(t), saved.tanhs.read(t), d_h, d_c)
        d_fed = product(d_gates, inputs.kernel, transpose_kernel=True)  # [B, D+H]
        new_carried = (d_fed[:, depth:], d_c, d_fed[:, :depth])
        written = zip(arrays, (d_gates, d_context, d_query), strict=True)
        sums = (sums[0] + d_energy, sums[1] + d_v)
        return n + 1, new_carried, sums, tuple(a.write(t, x) for a, x in written)

    zeros = (tf.zeros_like(inputs.h), tf.zeros_like(inputs.c), tf.zeros_like(inputs.context))
    sums = (tf.zeros_like(inputs.keys), tf.zeros_like(inputs.v))
    _, carried, sums, arrays = tf.while_loop(lambda n, *_: n < steps, body, (tf.constant(0), zeros, sums, arrays))
    d_gates, d_attended, d_queries = (array.stack() for array in arrays)
    # values enter as context_t = sum_s weights_t[s] values[s]: one batched product over time.
    d_values = tf.einsum("tbs,tbd->bsd", outputs.attention_weights, d_attended)
    before_h = tf.concat([inputs.h[tf.newaxis], outputs.hs[:-1]], 0)
    before_context = tf.concat([inputs.context[tf.newaxis], outputs.contexts[:-1]], 0)
    fed = tf.concat([before_context, before_h], 2)  # [T, B, D+H]
    return _Inputs(
        projected=d_gates,
        h=carried[0],
        c=carried[1],
        context=carried[2],
        keys=sums[0],
        values=d_values,
        kernel=_kernel_gradient(fed, d_gates, inputs.kernel.dtype),
        query_kernel=_kernel_gradient(outputs.hs, d_queries, inputs.query_kernel.dtype),
        v=sums[1],
    )


def _attention_gradient(
    inputs: _Inputs, saved: _Saved, t: tf.Tensor, d_context: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the gradients of the projected query [B, A], of the keys [B, S, A] and of v [A] at step t."""
    attention_weights = saved.attention_weights.read(t)  # [B, S]
    d_weights = tf.linalg.matvec(inputs.values, d_context)  # [B, S]
    inner = tf.reduce_sum(d_weights * attention_weights, -1, keepdims=True)
    d_scores = attention_weights * (d_weights - inner)  # [B, S]; zero on padding, where the weight is zero
    energies = tf.tanh(inputs.keys + saved.queries.read(t)[:, tf.newaxis])  # [B, S, A], cheaper than storing them
    d_v = tf.linalg.matvec(tf.reshape(energies, [-1, energies.shape[2]]), tf.reshape(d_scores, [-1]), transpose_a=True)
    d_energy = tf.raw_ops.TanhGrad(y=energies, dy=d_scores[:, :, tf.newaxis] * inputs.v)  # [B, S, A]
    return tf.reduce_sum(d_energy, 1), d_energy, d_v


def _kernel_gradient(inputs: tf.Tensor, d_outputs: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns inputs^T @ d_outputs over all steps and rows. [T, B, I], [T, B, O] -> [I, O]."""
    rows = tf.reshape(tf.cast(inputs, dtype), [-1, inputs.shape[2]])
    return tf.matmul(rows, tf.reshape(tf.cast(d_outputs, dtype), [-1, d_outputs.shape[2]]), transpose_a=True)
