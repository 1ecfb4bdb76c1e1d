"""Multi-head attention with scaled dot products, the attention of Transformers (Vaswani 2017, section 3.2)."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.nn.attention_scores import MASKED_SCORE
from seq2seq_tf.nn.layer import Float32Layer, real_steps, register
from seq2seq_tf.nn.positions import rotate
from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.structures import KeysValues


class HeadWeights(NamedTuple):
    """All weights of the attention, read and cast once before a loop."""

    query_kernel: tf.Tensor  # [Q, U]
    query_bias: tf.Tensor  # [U]
    key_value_kernel: tf.Tensor  # [V, 2U]
    key_value_bias: tf.Tensor  # [2U], zero for the keys
    output_kernel: tf.Tensor  # [U, Q]
    output_bias: tf.Tensor  # [Q]


@register
class ScaledDotProductAttention(Float32Layer):
    """Attention with `heads` heads; the output has the size of the queries, as in `keras.layers.MultiHeadAttention`.

    Keys have no bias: it would add the same number to all scores of a query, and so change nothing.

    Args:
      units: U, over all heads; a head has d = U / heads.
      heads: number of heads; it must divide U.
      rotary: rotate queries and keys by their positions. Then queries and values belong to the same sequence.
      kwargs: name and dtype policy of the layer.
    """

    def __init__(self, units: int, heads: int, *, rotary: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units % heads:
            raise ValueError(f"{heads} heads must divide {units} units")
        self.units = units
        self.heads = heads
        self.rotary = rotary

    def build(self, query_shape: Any, value_shape: Any) -> None:
        """Creates the variables for queries [..., Q] and values [..., V]."""
        query_units = query_shape[-1]
        for name, inputs, outputs in (
            ("query", query_units, self.units),
            ("key", value_shape[-1], self.units),
            ("value", value_shape[-1], self.units),
            ("output", self.units, query_units),
        ):
            kernel = self.add_weight(shape=(inputs, outputs), initializer="glorot_uniform", name=f"{name}_kernel")
            setattr(self, f"{name}_kernel", kernel)
            if name != "key":
                bias = self.add_weight(shape=(outputs,), initializer="zeros", name=f"{name}_bias")
                setattr(self, f"{name}_bias", bias)

    def get_config(self) -> dict[str, Any]:
        """See `keras.layers.Layer.get_config`."""
        return {**super().get_config(), "units": self.units, "heads": self.heads, "rotary": self.rotary}

    def weights_for_steps(self) -> HeadWeights:
        """Returns the weights; call this before a loop."""
        dtype = self.compute_dtype
        return HeadWeights(
            cast(self.query_kernel, dtype),
            tf.convert_to_tensor(self.query_bias),
            tf.concat([cast(self.key_kernel, dtype), cast(self.value_kernel, dtype)], 1),
            tf.pad(tf.convert_to_tensor(self.value_bias), [[self.units, 0]]),
            cast(self.output_kernel, dtype),
            tf.convert_to_tensor(self.output_bias),
        )

    def keys_and_values(self, weights: HeadWeights, values: tf.Tensor, first: tf.Tensor | int = 0) -> KeysValues:
        """Returns the projected keys and values of each head.

        Args:
          weights: from `weights_for_steps`.
          values: [N, S, V].
          first: [] int32, position of the first value; used by rotary positions only.
        """
        projected = product(values, weights.key_value_kernel) + weights.key_value_bias  # [N, S, 2U]
        rows, steps = tf.unstack(tf.shape(values)[:2])
        split = tf.reshape(projected, [rows, steps, 2, self.heads, self.units // self.heads])
        keys, read = tf.unstack(tf.transpose(split, [2, 0, 3, 1, 4]), num=2)  # [N, heads, S, d] each
        return KeysValues(rotate(keys, first + tf.range(steps)) if self.rotary else keys, read)

    def attend(
        self,
        weights: HeadWeights,
        queries: tf.Tensor,
        memory: KeysValues,
        mask: tf.Tensor | None,
        first: tf.Tensor | int = 0,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Attends from every query: softmax(q . k / sqrt(d)) over the values, for each head.

        Args:
          weights: from `weights_for_steps`.
          queries: [N, T, Q], N = B * K rows, the K of one sentence adjacent.
          memory: of B sentences, not tiled: the K rows of a sentence share its memory. With rotary positions K = 1.
          mask: bool, broadcast to [B, heads, K * T, S], False where a value must not be read; None: all are.
          first: [] int32, position of the first query; used by rotary positions only.

        Returns:
          outputs [N, T, Q], and the attention weights [B, heads, K * T, S], which sum to one over S.
        """
        rows, steps = tf.unstack(tf.shape(queries)[:2])
        sentences = tf.shape(memory.keys)[0]
        together = tf.maximum(rows // tf.maximum(sentences, 1), 1) * steps  # K * T
        size = self.units // self.heads
        projected = product(queries, weights.query_kernel) + weights.query_bias  # [N, T, U]
        q = tf.transpose(tf.reshape(projected, [sentences, together, self.heads, size]), [0, 2, 1, 3])
        if self.rotary:
            q = rotate(q, first + tf.range(steps))
        scores = tf.matmul(q * size**-0.5, memory.keys, transpose_b=True)  # [B, heads, K * T, S]
        if mask is not None:
            scores = tf.where(mask, scores, MASKED_SCORE)
        attention_weights = tf.nn.softmax(scores, axis=-1)
        contexts = tf.transpose(tf.matmul(attention_weights, memory.values), [0, 2, 1, 3])  # [B, K * T, heads, d]
        contexts = tf.reshape(contexts, [rows, steps, self.units])
        return product(contexts, weights.output_kernel) + weights.output_bias, attention_weights

    def call(
        self,
        query: tf.Tensor,
        value: tf.Tensor,
        query_mask: tf.Tensor | None = None,
        value_mask: tf.Tensor | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        """Attends to the same values from many queries; called like `keras.layers.MultiHeadAttention`.

        Args:
          query: [B, T, Q].
          value: [B, S, V].
          query_mask: [B, T] bool; passed on, without effect on the result.
          value_mask: [B, S] bool, False on padding; default: the Keras mask of `value`, if any, else all True.
          return_attention_scores: whether to return the weights too.
          use_causal_mask: query t reads values 0 to t only.

        Returns:
          outputs [B, T, Q], or (outputs, weights [B, heads, T, S]); float32.
        """
        del query_mask
        mask = real_steps(value, value_mask)[:, tf.newaxis, tf.newaxis]  # [B, 1, 1, S]
        query, value = tf.cast(query, tf.float32), tf.cast(value, tf.float32)
        if use_causal_mask:
            mask &= causal_mask(0, tf.shape(query)[1], tf.shape(value)[1])
        weights = self.weights_for_steps()
        outputs, scores = self.attend(weights, query, self.keys_and_values(weights, value), mask)
        return (outputs, scores) if return_attention_scores else outputs

    def compute_mask(self, query: tf.Tensor, query_mask: tf.Tensor | None = None) -> tf.Tensor | None:
        """Returns which outputs are real: those of real queries."""
        del query
        return query_mask


def causal_mask(first: tf.Tensor | int, queries: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Returns a mask [queries, values]: the query at position p reads the values at positions 0 to p.

    Args:
      first: [] int32, position of the first query.
      queries: [] int32, their number.
      values: [] int32, their number.
    """
    return tf.range(values)[tf.newaxis] <= first + tf.range(queries)[:, tf.newaxis]
