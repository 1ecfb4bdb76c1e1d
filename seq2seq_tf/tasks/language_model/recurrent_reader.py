"""Reading with recurrent layers: the carry is the state of every cell."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from seq2seq_tf.nn.cells import Cell, State, Weights
from seq2seq_tf.nn.embedding import Embedding, EmbeddingDropouts
from seq2seq_tf.nn.recurrent import RecurrentStack
from seq2seq_tf.structures import PAD_ID, CellStates
from seq2seq_tf.tasks.language_model.config import LanguageModelModelConfig
from seq2seq_tf.tasks.language_model.reader import LayerStates, ReadStep


class RecurrentReader:
    """Implements `Reader`: embedding and recurrent layers (Mikolov 2010; Sutskever 2011).

    Args:
      config: sizes and regularisation.
      embedding: the table of the tokens.
      kwargs: dtype policy of the layers.
    """

    reach = None

    def __init__(self, config: LanguageModelModelConfig, embedding: Embedding, **kwargs: Any) -> None:
        self.config = config
        self.embedding = embedding
        self.layers = RecurrentStack(
            config, units=config.units, layers=config.layers, bidirectional=False, name="stack", **kwargs
        )
        self.output_units = config.units
        self.name = config.cell
        self.cells: tuple[Cell, ...] = tuple(layer[0] for layer in self.layers.cells)
        parts = "hc"[: self.cells[0].states]
        units = range(config.units)
        self.unit_names = [f"layer_{n}/{part}/{u}" for n in range(config.layers) for part in parts for u in units]
        self._input_dropout = EmbeddingDropouts(config, "language_model")

    def build(self) -> None:
        """Creates the variables of the layers."""
        self.layers.build((None, None, self.config.embedding_units))

    def initial_carry(self, rows: tf.Tensor) -> CellStates:
        """Returns zeros [B, H] for each tensor of each layer."""
        return self.layers.zero_state(rows)

    def read(
        self, ids: tf.Tensor, carry: CellStates, *, dropout_seed: tf.Tensor | None
    ) -> tuple[tf.Tensor, CellStates]:
        """See `Reader.read`."""
        embedded = self._input_dropout(self.embedding.embed(ids), dropout_seed)  # [B, T, E]
        return self.layers.unroll(embedded, tf.not_equal(ids, PAD_ID), carry, dropout_seed=dropout_seed)

    def step_fn(self) -> ReadStep:
        """See `Reader.step_fn`."""
        inputs, weights = [c.input_kernel() for c in self.cells], [c.weights_for_steps() for c in self.cells]

        def step(tokens: tf.Tensor, state: CellStates) -> tuple[tf.Tensor, CellStates]:
            x = self.embedding.embed(tokens)  # [N, E]
            new_states = []
            for n, cell in enumerate(self.cells):
                new = cell.step(weights[n], cell.project(x, inputs[n]), x[:, :0], state[n])
                x = x + new[0] if n and self.config.residual else new[0]  # [N, H]
                new_states.append(new)
            return x, tuple(new_states)

        return step

    def states(self, ids: tf.Tensor, carry: CellStates) -> tuple[tuple[LayerStates, ...], CellStates]:
        """Returns every state and gate of every layer while reading ids [B, T], and the final state.

        Rows may be padded at the end; the values at padded positions are meaningless.
        """
        x = tf.transpose(self.embedding.embed(ids), [1, 0, 2])  # [T, B, E]
        mask = tf.transpose(tf.not_equal(ids, PAD_ID))[:, :, tf.newaxis]  # [T, B, 1]
        found, last = [], []
        for n, cell in enumerate(self.cells):
            projected, weights = cell.project(x), cell.weights_for_steps()  # [T, B, G*H]
            states, final = _all_states(cell, weights, projected, mask, carry[n])
            before = tf.concat([carry[n][0][tf.newaxis], states[0][:-1]], 0)  # [T, B, H]
            gates = cell.gate_values(weights, projected, x[..., :0], before)  # each [T, B, H]
            x = x + states[0] if n and self.config.residual else states[0]
            batch_first = tuple(tf.transpose(s, [1, 0, 2]) for s in states)
            stacked = tf.stack(gates, 2) if gates else states[0][:, :, tf.newaxis][:, :, :0]  # [T, B, G, H]
            found.append(LayerStates(batch_first, tf.transpose(stacked, [1, 0, 2, 3])))
            last.append(final)
        return tuple(found), tuple(last)


def _all_states(
    cell: Cell, weights: Weights, projected: tf.Tensor, mask: tf.Tensor, initial: State
) -> tuple[State, State]:
    """Runs a cell over time and returns all states [T, B, H] and the final one; padding leaves the state unchanged."""
    steps = tf.shape(projected)[0]
    no_context = tf.zeros([tf.shape(projected)[1], 0])

    def body(t: tf.Tensor, state: State, kept: tuple[tf.TensorArray, ...]) -> tuple[tf.Tensor, State, Any]:
        new = cell.step(weights, projected[t], no_context, state)
        state = tuple(tf.where(mask[t], n, old) for n, old in zip(new, state, strict=True))
        return t + 1, state, tuple(array.write(t, s) for array, s in zip(kept, state, strict=True))

    kept = tuple(tf.TensorArray(tf.float32, size=steps, element_shape=[None, cell.units]) for _ in initial)
    _, final, kept = tf.while_loop(lambda t, *_: t < steps, body, (tf.constant(0), initial, kept))
    return tuple(array.stack() for array in kept), final
