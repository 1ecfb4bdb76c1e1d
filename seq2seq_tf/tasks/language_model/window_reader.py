"""Reading through a window: a feed-forward network sees the last tau tokens and nothing else (Bengio 2003)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from seq2seq_tf.nn.cells import Cell
from seq2seq_tf.nn.dropout import Dropout
from seq2seq_tf.nn.embedding import Embedding, EmbeddingDropouts
from seq2seq_tf.nn.layer import Float32Layer
from seq2seq_tf.nn.products import cast, product
from seq2seq_tf.structures import PAD_ID
from seq2seq_tf.tasks.language_model.config import LanguageModelModelConfig
from seq2seq_tf.tasks.language_model.reader import LayerStates, ReadStep


class WindowLayers(Float32Layer):
    """The feed-forward layers: h = tanh(W [e_(t-tau+1); ...; e_t] + b), then h' = tanh(W' h + b') for each further one.

    As in the recurrent stack, residual connections add a layer's input to its output from the second layer on, and
    dropout is applied between layers.

    Args:
      config: units, layers, window, embedding_units, residual, layer_dropout, variational.
      kwargs: name and dtype policy of the layer.
    """

    def __init__(self, config: LanguageModelModelConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        shared = (1,) if config.variational else ()
        self.dropouts = tuple(
            Dropout(config.layer_dropout, f"{self.name}/layer_{n}", shared_axes=shared) for n in range(config.layers)
        )

    def build(self, inputs_shape: Any = None) -> None:
        """Creates a kernel and a bias for each layer."""
        del inputs_shape  # the configuration determines it
        config = self.config
        widths = [config.window * config.embedding_units, *[config.units] * config.layers]
        self.kernels = tuple(
            self.add_weight(shape=(widths[n], widths[n + 1]), initializer="glorot_uniform", name=f"kernel_{n}")
            for n in range(config.layers)
        )
        self.biases = tuple(
            self.add_weight(shape=(config.units,), initializer="zeros", name=f"bias_{n}") for n in range(config.layers)
        )

    def kernels_for_steps(self) -> tuple[tf.Tensor, ...]:
        """Returns the kernels in the type of the product; call this before a loop."""
        return tuple(cast(kernel, self.compute_dtype) for kernel in self.kernels)

    def hidden(
        self, windows: tf.Tensor, kernels: tuple[tf.Tensor, ...], dropout_seed: tf.Tensor | None
    ) -> list[tf.Tensor]:
        """Returns the hidden values h of each layer [..., H], and last the output of the stack [..., H].

        Args:
          windows: [..., tau * E], the embedded tokens of each window, oldest first.
          kernels: from `kernels_for_steps`.
          dropout_seed: None for no dropout.
        """
        found, x = [], windows
        for n, kernel in enumerate(kernels):
            below = self.dropouts[n](x, dropout_seed) if n else x
            h = tf.tanh(product(below, kernel) + self.biases[n])
            found.append(h)
            x = x + h if n and self.config.residual else h
        return [*found, x]


class WindowReader:
    """Implements `Reader`: an autoregressive model of order tau, AR(tau); tau = 1 is a first-order Markov model.

    The carry is the last tau tokens themselves, [B, tau] int32. Before the first token of a text it is PAD, whose
    vector counts as zero: a window that reaches back beyond the beginning is empty there.

    Args:
      config: sizes and regularisation; `window` is tau.
      embedding: the table of the tokens.
      kwargs: dtype policy of the layers.
    """

    cells: tuple[Cell, ...] = ()

    def __init__(self, config: LanguageModelModelConfig, embedding: Embedding, **kwargs: Any) -> None:
        self.config = config
        self.embedding = embedding
        self.layers = WindowLayers(config, name="stack", **kwargs)
        self.output_units = config.units
        self.reach = config.window
        self.name = f"window {config.window}"
        self.unit_names = [f"layer_{n}/h/{u}" for n in range(config.layers) for u in range(config.units)]
        self._input_dropout = EmbeddingDropouts(config, "language_model")

    def build(self) -> None:
        """Creates the variables of the layers."""
        self.layers.build()

    def initial_carry(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns empty windows, [B, tau] int32."""
        return tf.fill([rows, self.config.window], PAD_ID)

    def read(self, ids: tf.Tensor, carry: tf.Tensor, *, dropout_seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Reader.read`."""
        windows = self._windows(ids, carry, dropout_seed)
        output = self.layers.hidden(windows, self.layers.kernels_for_steps(), dropout_seed)[-1]
        return output, self._after(ids, carry)

    def step_fn(self) -> ReadStep:
        """See `Reader.step_fn`."""
        kernels = self.layers.kernels_for_steps()

        def step(tokens: tf.Tensor, carry: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            carry = tf.concat([carry[:, 1:], tokens[:, tf.newaxis]], 1)  # [N, tau]
            width = self.config.window * self.config.embedding_units
            windows = tf.reshape(self._embedded(carry), [-1, width])  # [N, tau * E]
            return self.layers.hidden(windows, kernels, None)[-1], carry

        return step

    def states(self, ids: tf.Tensor, carry: tf.Tensor) -> tuple[tuple[LayerStates, ...], tf.Tensor]:
        """Returns the hidden values of every layer for the window that ends at each of ids [B, T]; there are no gates.

        A window has no state that a unit could carry on: its units are shown as those of an RNN without recurrence.
        """
        windows = self._windows(ids, carry, None)
        hidden = self.layers.hidden(windows, self.layers.kernels_for_steps(), None)[:-1]
        return tuple(LayerStates((h,), h[:, :, tf.newaxis][:, :, :0]) for h in hidden), self._after(ids, carry)

    def _embedded(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the vectors of ids [...], [..., E]; zero where a window is empty."""
        real = tf.cast(tf.not_equal(ids, PAD_ID), tf.float32)[..., tf.newaxis]
        return self.embedding.embed(ids) * real

    def _windows(self, ids: tf.Tensor, carry: tf.Tensor, dropout_seed: tf.Tensor | None) -> tf.Tensor:
        """Returns the vectors of the tau tokens up to each of ids [B, T], concatenated, [B, T, tau * E]."""
        seen = tf.concat([carry[:, 1:], ids], 1)  # [B, tau - 1 + T]
        embedded = self._input_dropout(self._embedded(seen), dropout_seed)  # [B, tau - 1 + T, E]
        steps = tf.shape(ids)[1]
        return tf.concat([embedded[:, n : n + steps] for n in range(self.config.window)], 2)

    def _after(self, ids: tf.Tensor, carry: tf.Tensor) -> tf.Tensor:
        """Returns the last tau tokens up to the last real one of each row, [B, tau] int32."""
        lengths = tf.math.count_nonzero(tf.not_equal(ids, PAD_ID), 1, dtype=tf.int32)  # [B]
        places = lengths[:, tf.newaxis] + tf.range(self.config.window)  # [B, tau]
        return tf.gather(tf.concat([carry, ids], 1), places, batch_dims=1)
