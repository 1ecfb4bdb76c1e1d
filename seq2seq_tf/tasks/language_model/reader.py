"""How a language model reads: the protocol of what turns the tokens of a text into a vector after each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from seq2seq_tf.nn.cells import Cell
from seq2seq_tf.nn.layer import Float32Layer

Carry = Any  # nest of tensors [B, ...]: all that a reader keeps of the tokens read
ReadStep = Callable[[tf.Tensor, Carry], tuple[tf.Tensor, Carry]]  # tokens [N] int32, carry -> outputs [N, H], carry


class LayerStates(NamedTuple):
    """States and gates of one layer over time."""

    states: tuple[tf.Tensor, ...]  # (h,) or, for an LSTM, (h, c), each [B, T, H]
    gates: tf.Tensor  # [B, T, G, H] between 0 and 1: LSTM i, f, o; GRU z, r; none for an RNN or a window


class Reader(Protocol):
    """Reads tokens one after the other; the model above it predicts the next token from its output.

    All methods agree: reading a text in chunks, in single steps or as a whole gives the same outputs and carry.
    """

    @property
    def layers(self) -> Float32Layer:
        """The weights besides the embedding table; the model names this layer `stack`."""

    @property
    def output_units(self) -> int:
        """H."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The recurrent cell of each layer; () if nothing is recurrent."""

    @property
    def unit_names(self) -> list[str]:
        """Names of the values in `states`, concatenated: "layer_0/h/17"."""

    @property
    def name(self) -> str:
        """What kind it is, for people: "lstm", "window 8"."""

    @property
    def reach(self) -> int | None:
        """The number of last tokens on which an output can depend; None: all tokens read."""

    def build(self) -> None:
        """Creates the variables of the layers."""

    def initial_carry(self, rows: tf.Tensor) -> Carry:
        """Returns the carry of `rows` texts of which nothing has been read; it is zero everywhere."""

    def read(self, ids: tf.Tensor, carry: Carry, *, dropout_seed: tf.Tensor | None) -> tuple[tf.Tensor, Carry]:
        """Returns the output after each of ids [B, T] int32, [B, T, H], and the carry after the last real one.

        Rows may be padded at the end; outputs at padded positions are meaningless. A dropout_seed of None means no
        dropout.
        """

    def step_fn(self) -> ReadStep:
        """Returns a function that reads one token of each row; call this before a loop, as it casts the weights."""

    def states(self, ids: tf.Tensor, carry: Carry) -> tuple[tuple[LayerStates, ...], Carry]:
        """Returns every state and gate of every layer while reading ids [B, T], and the final carry."""
