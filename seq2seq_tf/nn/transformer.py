"""Stacks of Transformer blocks with pre-normalisation, for encoders and decoders.

A block is (Vaswani 2017, section 3.1; normalisation before each part as in Xiong 2020):

    x = x + attention(norm(x))                      over the sequence itself
    x = x + attention(norm(x), memory)              over the source, in a decoder
    x = x + W_2 relu(norm(x) W_1 + b_1) + b_2       feed-forward network

The gradient is TensorFlow's own: a block consists of few large products, so a hand-written one would save little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.config.transformer import TransformerConfig
from seq2seq_tf.nn.cells import normalise
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.positions import sinusoidal
from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.nn.scaled_attention import HeadWeights, ScaledDotProductAttention, causal_mask
from seq2seq_tf.structures import KeysValues, TransformerMemory

_ROTARY = "rotary"


class Norm(NamedTuple):
    """The weights of a layer normalisation (Ba 2016)."""

    gain: tf.Tensor  # [U]
    shift: tf.Tensor  # [U]

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns x [..., U] normalised."""
        return normalise(x, self.gain) + self.shift


class BlockWeights(NamedTuple):
    """All weights of a block."""

    norms: tuple[Norm, ...]  # before each part
    own: HeadWeights
    source: HeadWeights | None  # None in an encoder
    feed_forward: tuple[tf.Tensor, ...]  # W_1 [U, F], b_1, W_2 [F, U], b_2


class StackWeights(NamedTuple):
    """All weights of a stack, read and cast once before a loop."""

    inputs: tuple[tf.Tensor, ...]  # kernel [E, U] and bias, or ()
    blocks: tuple[BlockWeights, ...]
    norm: Norm  # after the last block


class Ran(NamedTuple):
    """Results of a stack."""

    hidden: tf.Tensor  # [N, T, U]
    cache: tuple[KeysValues, ...]  # of each layer, of all steps so far
    attention_weights: tf.Tensor | None  # [B, heads, K * T, S] of the last layer over the source; None in an encoder


class TransformerBlock(Float32Layer):
    """One layer of a Transformer.

    Args:
      config: transformer_heads, feed_forward_units, positions, layer_dropout, variational.
      units: U.
      reads_source: whether it attends to a source too, as in a decoder.
      site: names the sites of its dropout.
      kwargs: name and dtype policy of the layer.
    """

    def __init__(self, config: TransformerConfig, units: int, reads_source: bool, site: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.units = units
        heads, policy = config.transformer_heads, self.dtype_policy
        rotary = config.positions == _ROTARY
        self.own = ScaledDotProductAttention(units, heads, rotary=rotary, dtype=policy, name="own")
        self.source = ScaledDotProductAttention(units, heads, dtype=policy, name="source") if reads_source else None
        shared = (1,) if config.variational else ()
        parts = ("own", "source", "feed_forward") if reads_source else ("own", "feed_forward")
        self._dropouts = tuple(Dropout(config.layer_dropout, f"{site}/{part}", shared_axes=shared) for part in parts)

    def build(self, source_units: int | None) -> None:
        """Creates the variables; source_units: size of a source vector, None in an encoder."""
        shape = (None, None, self.units)
        self.own.build(shape, shape)
        if self.source is not None:
            self.source.build(shape, (None, None, source_units))
        self._norms = tuple(add_norm(self, self.units, f"norm_{n}") for n in range(len(self._dropouts)))
        hidden = self.config.feed_forward_units
        for name, inputs, outputs in (("inner", self.units, hidden), ("outer", hidden, self.units)):
            kernel = self.add_weight(shape=(inputs, outputs), initializer="glorot_uniform", name=f"{name}_kernel")
            setattr(self, f"{name}_kernel", kernel)
            setattr(self, f"{name}_bias", self.add_weight(shape=(outputs,), initializer="zeros", name=f"{name}_bias"))

    def weights_for_steps(self) -> BlockWeights:
        """Returns the weights; call this before a loop."""
        kernels = (cast(kernel, self.compute_dtype) for kernel in (self.inner_kernel, self.outer_kernel))
        biases = (tf.convert_to_tensor(bias) for bias in (self.inner_bias, self.outer_bias))
        return BlockWeights(
            tuple(read_norm(norm) for norm in self._norms),
            self.own.weights_for_steps(),
            None if self.source is None else self.source.weights_for_steps(),
            tuple(weight for pair in zip(kernels, biases, strict=True) for weight in pair),
        )

    def run(
        self,
        weights: BlockWeights,
        x: tf.Tensor,
        past: KeysValues | None,
        masks: tuple[tf.Tensor | None, tf.Tensor | None],
        source: KeysValues | None,
        dropout_seed: tf.Tensor | None,
    ) -> tuple[tf.Tensor, KeysValues, tf.Tensor | None]:
        """Runs the block.

        Args:
          weights: from `weights_for_steps`.
          x: [N, T, U], the next T steps of each row.
          past: keys and values of the steps before them, if any.
          masks: for the sequence itself and for the source; see `ScaledDotProductAttention.attend`.
          source: keys and values of the source, in a decoder.
          dropout_seed: [2] int32 in training, else None.

        Returns:
          outputs [N, T, U], the keys and values of all steps so far, and the attention weights over the source.
        """
        first = 0 if past is None else tf.shape(past.keys)[2]
        below = weights.norms[0](x)
        memory = self.own.keys_and_values(weights.own, below, first)
        if past is not None:
            memory = KeysValues(*(tf.concat(pair, 2) for pair in zip(past, memory, strict=True)))
        read, _ = self.own.attend(weights.own, below, memory, masks[0], first)
        x = x + self._dropouts[0](read, dropout_seed)
        attention_weights = None
        if self.source is not None:
            assert weights.source is not None
            assert source is not None
            read, attention_weights = self.source.attend(weights.source, weights.norms[1](x), source, masks[1])
            x = x + self._dropouts[1](read, dropout_seed)
        inner_kernel, inner_bias, outer_kernel, outer_bias = weights.feed_forward
        hidden = tf.nn.relu(product(weights.norms[-1](x), inner_kernel) + inner_bias)
        read = product(hidden, outer_kernel) + outer_bias
        return x + self._dropouts[-1](read, dropout_seed), memory, attention_weights


class TransformerStack(Float32Layer):
    """Input projection, positions, blocks and a last normalisation.

    The embeddings are multiplied by sqrt(E), so that a position does not outweigh them (Vaswani 2017, section 3.4), and
    projected if their size is not U.

    Args:
      config: of the blocks; see `TransformerBlock`.
      units: U.
      layers: number of blocks.
      reads_source: whether each block attends to a source, and reads its own sequence from left to right only.
      kwargs: name and dtype policy of the layer; the name is also that of its sites of dropout.
    """

    def __init__(self, config: TransformerConfig, units: int, layers: int, reads_source: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.units = units
        self.causal = reads_source
        self.blocks = tuple(
            TransformerBlock(
                config, units, reads_source, f"{self.name}/{n}", dtype=self.dtype_policy, name=f"block_{n}"
            )
            for n in range(layers)
        )

    def build(self, inputs_shape: Sequence[int | None], source_units: int | None = None) -> None:
        """Creates the variables for embeddings [N, T, E] and source vectors of size source_units."""
        input_units = inputs_shape[-1]
        assert input_units is not None
        self._input_units = input_units
        if self._input_units != self.units:
            self.input_kernel = self.add_weight(
                shape=(self._input_units, self.units), initializer="glorot_uniform", name="input_kernel"
            )
            self.input_bias = self.add_weight(shape=(self.units,), initializer="zeros", name="input_bias")
        for block in self.blocks:
            block.build(source_units)
        self._norm = add_norm(self, self.units, "norm")

    def weights_for_steps(self) -> StackWeights:
        """Returns the weights; call this before a loop."""
        inputs: tuple[tf.Tensor, ...] = ()
        if self._input_units != self.units:
            inputs = cast(self.input_kernel, self.compute_dtype), tf.convert_to_tensor(self.input_bias)
        return StackWeights(inputs, tuple(block.weights_for_steps() for block in self.blocks), read_norm(self._norm))

    def empty_cache(self, rows: tf.Tensor) -> tuple[KeysValues, ...]:
        """Returns the cache before the first step: no keys and values, for each layer.

        Its number of steps is unknown while tracing, since a loop may not change a size that is known.
        """
        heads = self.config.transformer_heads
        none = tf.zeros(tf.stack([rows, heads, 0, self.units // heads]))
        shape = [None, heads, None, self.units // heads]
        return tuple(
            KeysValues(*(tf.raw_ops.PlaceholderWithDefault(input=none, shape=shape) for _ in KeysValues._fields))
            for _ in self.blocks
        )

    def run(
        self,
        weights: StackWeights,
        embedded: tf.Tensor,
        mask: tf.Tensor | None,
        cache: tuple[KeysValues, ...] = (),
        source: TransformerMemory | None = None,
        dropout_seed: tf.Tensor | None = None,
    ) -> Ran:
        """Runs the stack over the next T steps of each row.

        Args:
          weights: from `weights_for_steps`.
          embedded: [N, T, E].
          mask: [N, T] bool, True on real steps; None if later steps are masked anyway, as in a decoder.
          cache: keys and values of the steps before; () for none.
          source: what a decoder attends to.
          dropout_seed: [2] int32 in training, else None.
        """
        first = tf.shape(cache[0].keys)[2] if cache else 0
        steps = tf.shape(embedded)[1]
        x = embedded * self._input_units**0.5
        if weights.inputs:
            x = product(x, weights.inputs[0]) + weights.inputs[1]
        if self.config.positions != _ROTARY:
            x = x + sinusoidal(first + tf.range(steps), self.units)
        own = None if mask is None else mask[:, tf.newaxis, tf.newaxis]  # [N, 1, 1, T]
        if self.causal and embedded.shape[1] != 1:  # a single step reads all that came before it
            own = causal_mask(first, steps, first + steps)
        masks = own, None if source is None else source.mask[:, tf.newaxis, tf.newaxis]
        found, attention_weights = [], None
        for n, block in enumerate(self.blocks):
            past, read = cache[n] if cache else None, source.layers[n] if source is not None else None
            x, keys_values, attention_weights = block.run(weights.blocks[n], x, past, masks, read, dropout_seed)
            found.append(keys_values)
        return Ran(weights.norm(x), tuple(found), attention_weights)


def add_norm(layer: Float32Layer, units: int, name: str) -> tuple[Any, Any]:
    """Returns gain and shift of a new layer normalisation, variables of `layer`."""
    return (
        layer.add_weight(shape=(units,), initializer="ones", name=f"{name}_gain"),
        layer.add_weight(shape=(units,), initializer="zeros", name=f"{name}_shift"),
    )


def read_norm(norm: tuple[Any, Any]) -> Norm:
    """Returns the weights of a layer normalisation as tensors."""
    return Norm(*map(tf.convert_to_tensor, norm))
