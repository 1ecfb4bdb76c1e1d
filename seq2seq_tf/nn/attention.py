"""Kinds of attention: what a decoder step reads from the source, given a query.

    kind          score of query q and value s                       paper
    bahdanau      v . tanh(W_q q + W_k s + b)                        Bahdanau, Cho, Bengio 2015, equation 6
      with heads  the same for each head, on its share of the units  Vaswani 2017, section 3.2.2
    dot           q . s                                              Luong, Pham, Manning 2015, equation 8
    general       q . W s                                            the same
    none          no score: the context keeps its initial value      Cho 2014

The decoder uses only the methods of `Attention`. A further kind needs a class here and a case in `make_attention`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from seq2seq_tf.config.common import DecoderConfig
from seq2seq_tf.nn.attention_scores import MASKED_SCORE, additive_scores, dot_scores, energies, read_values
from seq2seq_tf.nn.layer import Float32Layer, real_steps, register
from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.structures import EncoderOutput, Memory

Weights = tuple[tf.Tensor, ...]
Shape = Sequence[int | None]


def make_attention(config: DecoderConfig, **kwargs: Any) -> Attention:
    """Returns the attention layer of a decoder, not built yet."""
    if config.attention == "bahdanau" and config.attention_heads > 1:
        return MultiHeadAttention(config.attention_units, config.attention_heads, **kwargs)
    if config.attention == "bahdanau":
        return BahdanauAttention(config.attention_units, **kwargs)
    if config.attention == "dot":
        return DotAttention(**kwargs)
    if config.attention == "general":
        return GeneralAttention(**kwargs)
    if config.attention == "none":
        return NoAttention(**kwargs)
    raise ValueError(f"unknown kind of attention {config.attention!r}")


class Attention(Float32Layer):
    """The interface of every kind: `prepare` and `attend` for the decoder, `call` for a Keras model.

    Args:
      kwargs: name and dtype policy of the layer.
    """

    can_fuse = False  # whether `kernels.fused_decoder` computes exactly this kind: then it replaces `attend`
    has_weights = True  # whether `attend` returns a weight for each piece of the source

    def build(self, query_shape: Shape, value_shape: Shape) -> None:
        """Creates the variables for queries [..., Q] and values [..., D]."""

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """Returns the memory of a batch: what can be computed once per sentence."""
        raise NotImplementedError

    def first_context(self, summary: tf.Tensor) -> tf.Tensor:
        """Returns the context before the first step, [B, D]; summary: [B, D], the source in one vector."""
        return tf.zeros_like(summary)

    def weights_for_steps(self) -> Weights:
        """Returns the weights that `attend` takes; call this before a loop."""
        return ()

    def attend(
        self, weights: Weights, query: tf.Tensor, memory: Memory, last: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the context and the attention weights.

        Args:
          weights: from `weights_for_steps`.
          query: [N, Q], N = B * K rows, the K of one sentence adjacent.
          memory: of B sentences, not tiled: the K queries of a sentence share its memory.
          last: [N, D], the context of the previous step.

        Returns:
          context [N, D] and weights [N, S], which sum to one over the real pieces (with heads: the mean over heads).
        """
        raise NotImplementedError

    def call(
        self,
        query: tf.Tensor,
        value: tf.Tensor,
        query_mask: tf.Tensor | None = None,
        value_mask: tf.Tensor | None = None,
        return_attention_scores: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        """Attends to the same values from many queries; called like `keras.layers.MultiHeadAttention`.

        Args:
          query: [B, T, Q].
          value: [B, S, D].
          query_mask: [B, T] bool; passed on, without effect on the result.
          value_mask: [B, S] bool, False on padding; default: the Keras mask of `value`, if any, else all True.
          return_attention_scores: whether to return the weights too.

        Returns:
          contexts [B, T, D], or (contexts, weights [B, T, S]); float32.
        """
        del query_mask
        query, value = tf.cast(query, tf.float32), tf.cast(value, tf.float32)
        memory = self.prepare(EncoderOutput(value, real_steps(value, value_mask), ()))
        rows = tf.reshape(query, [-1, query.shape[2]])  # [B * T, Q]
        last = tf.zeros([tf.shape(rows)[0], value.shape[2]])
        contexts, attention_weights = self.attend(self.weights_for_steps(), rows, memory, last)
        batch, steps = tf.unstack(tf.shape(query)[:2])
        contexts = tf.reshape(contexts, [batch, steps, value.shape[2]])
        if not return_attention_scores:
            return contexts
        return contexts, tf.reshape(attention_weights, [batch, steps, tf.shape(attention_weights)[1]])

    def compute_mask(self, query: tf.Tensor, query_mask: tf.Tensor | None = None) -> tf.Tensor | None:
        """Returns which contexts are real: those of real queries."""
        del query
        return query_mask


@register
class BahdanauAttention(Attention):
    """Additive attention over an encoder's outputs.

    Args:
      units: A, size of the space in which queries and keys are compared.
      kwargs: name and dtype policy of the layer.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.can_fuse = type(self) is BahdanauAttention  # a subclass may score differently

    def build(self, query_shape: Shape, value_shape: Shape) -> None:
        """See `Attention.build`."""
        _add_additive_weights(self, query_shape[-1], value_shape[-1], self.units, self.units)

    def get_config(self) -> dict[str, Any]:
        """See `keras.layers.Layer.get_config`."""
        return {**super().get_config(), "units": self.units}

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """See `Attention.prepare`: the keys are projected once per sentence."""
        keys = product(encoded.values, cast(self.key_kernel, self.compute_dtype)) + self.key_bias  # [B, S, A]
        return Memory(keys, encoded.values, encoded.mask)

    def weights_for_steps(self) -> Weights:
        """Returns (query kernel [Q, A], v [A])."""
        return cast(self.query_kernel, self.compute_dtype), tf.convert_to_tensor(self.v)

    def attend(
        self, weights: Weights, query: tf.Tensor, memory: Memory, last: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention.attend`."""
        query_kernel, v = weights
        scores = additive_scores(product(query, query_kernel), v, memory.keys, memory.mask)  # [B, K, S]
        return read_values(scores, memory.values, tf.shape(query)[0])


def _add_additive_weights(layer: Any, query_units: Any, value_units: Any, units: int, units_of_a_score: int) -> None:
    """Creates the weights of additive scores; with the initial v, unit-variance energies give unit-variance scores."""
    layer.query_kernel = layer.add_weight(shape=(query_units, units), initializer="glorot_uniform", name="query_kernel")
    layer.key_kernel = layer.add_weight(shape=(value_units, units), initializer="glorot_uniform", name="key_kernel")
    layer.key_bias = layer.add_weight(shape=(units,), initializer="zeros", name="key_bias")
    bound = (3.0 / units_of_a_score) ** 0.5
    layer.v = layer.add_weight(shape=(units,), initializer=keras.initializers.RandomUniform(-bound, bound), name="v")


@register
class MultiHeadAttention(Attention):
    """Additive attention with several heads: each has its share of the A units and of the values.

    The values are projected (W_v, [D, D]) before they are divided among the heads, so that each head may read all of
    an encoder's output. The contexts of the heads, D / heads each, are concatenated to [N, D].

    Args:
      units: A, over all heads.
      heads: number of heads; it must divide A and D.
      kwargs: name and dtype policy of the layer.
    """

    def __init__(self, units: int, heads: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.heads = heads

    def build(self, query_shape: Shape, value_shape: Shape) -> None:
        """See `Attention.build`; raises a ValueError if the heads do not divide A and D."""
        query_units, value_units = query_shape[-1], value_shape[-1]
        assert value_units is not None
        if self.units % self.heads or value_units % self.heads:
            raise ValueError(f"{self.heads} heads must divide {self.units} units and a value size of {value_units}")
        _add_additive_weights(self, query_units, value_units, self.units, self.units // self.heads)
        self.value_kernel = self.add_weight(
            shape=(value_units, value_units), initializer="glorot_uniform", name="value_kernel"
        )

    def get_config(self) -> dict[str, Any]:
        """See `keras.layers.Layer.get_config`."""
        return {**super().get_config(), "units": self.units, "heads": self.heads}

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """See `Attention.prepare`: keys and values are projected once per sentence."""
        keys = product(encoded.values, cast(self.key_kernel, self.compute_dtype)) + self.key_bias  # [B, S, A]
        return Memory(keys, product(encoded.values, cast(self.value_kernel, self.compute_dtype)), encoded.mask)

    def weights_for_steps(self) -> Weights:
        """Returns the query kernel [Q, A] and v [A, heads], each column zero outside its head's share of the units."""
        share = tf.repeat(tf.eye(self.heads), self.units // self.heads, axis=0)  # [A, heads]
        return cast(self.query_kernel, self.compute_dtype), tf.convert_to_tensor(self.v)[:, tf.newaxis] * share

    def attend(
        self, weights: Weights, query: tf.Tensor, memory: Memory, last: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention.attend`."""
        query_kernel, v = weights
        met = energies(product(query, query_kernel), memory.keys)  # [B, K, S, A]
        batch, beam, steps = tf.unstack(tf.shape(met)[:3])
        scores = tf.reshape(tf.matmul(tf.reshape(met, [-1, self.units]), v), [batch, beam, steps, self.heads])
        masked = tf.where(memory.mask[:, tf.newaxis, :, tf.newaxis], scores, MASKED_SCORE)
        of_heads = tf.nn.softmax(tf.transpose(masked, [0, 3, 1, 2]), axis=-1)  # [B, heads, K, S]
        depth = memory.values.shape[2]
        values = tf.reshape(memory.values, [batch, steps, self.heads, depth // self.heads])
        contexts = tf.matmul(of_heads, tf.transpose(values, [0, 2, 1, 3]))  # [B, heads, K, D / heads]
        context = tf.reshape(tf.transpose(contexts, [0, 2, 1, 3]), [-1, depth])  # [N, D]
        return context, tf.reshape(tf.reduce_mean(of_heads, 1), [batch * beam, steps])


@register
class DotAttention(Attention):
    """Scores are dot products of query and value, which have the same size."""

    def build(self, query_shape: Shape, value_shape: Shape) -> None:
        """See `Attention.build`: there are no variables; raises a ValueError if the sizes differ."""
        query_units, value_units = query_shape[-1], value_shape[-1]
        if query_units != value_units:
            raise ValueError(
                f"dot attention needs queries and values of the same size, got {query_units}, {value_units}"
            )

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """See `Attention.prepare`: the values are their own keys, and are not stored twice."""
        return Memory(encoded.values[:, :, :0], encoded.values, encoded.mask)

    def attend(
        self, weights: Weights, query: tf.Tensor, memory: Memory, last: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention.attend`."""
        return read_values(dot_scores(query, memory.values, memory.mask), memory.values, tf.shape(query)[0])


@register
class GeneralAttention(Attention):
    """Scores are dot products of the query and the projected value."""

    def build(self, query_shape: Shape, value_shape: Shape) -> None:
        """See `Attention.build`."""
        self.key_kernel = self.add_weight(
            shape=(value_shape[-1], query_shape[-1]), initializer="glorot_uniform", name="key_kernel"
        )

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """See `Attention.prepare`: the keys are projected once per sentence."""
        keys = product(encoded.values, cast(self.key_kernel, self.compute_dtype))  # [B, S, Q]
        return Memory(keys, encoded.values, encoded.mask)

    def attend(
        self, weights: Weights, query: tf.Tensor, memory: Memory, last: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Attention.attend`."""
        return read_values(dot_scores(query, memory.keys, memory.mask), memory.values, tf.shape(query)[0])


class NoAttention(Attention):
    """No attention: the summary of the source is the context of every step."""

    has_weights = False

    def prepare(self, encoded: EncoderOutput) -> Memory:
        """Returns an empty memory."""
        return Memory(encoded.values[:, :0, :0], encoded.values[:, :0], encoded.mask[:, :0])

    def first_context(self, summary: tf.Tensor) -> tf.Tensor:
        """Returns the summary."""
        return summary

    def attend(
        self, weights: Weights, query: tf.Tensor, memory: Memory, last: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the context unchanged, and empty weights [N, 0]."""
        return last, last[:, :0]
