"""Sampling, scoring and inspecting text with a trained language model: the Python API, used by every program."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.config.call_options import checked_options
from seq2seq_tf.data.batching import pad_rows, plan_chunks
from seq2seq_tf.errors import InputError
from seq2seq_tf.forks import check_not_forked
from seq2seq_tf.search.sampling import Drawable, SamplingOptions, sample
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig, SampleConfig
from seq2seq_tf.tasks.language_model.model import LanguageModel
from seq2seq_tf.tasks.language_model.reader import Carry
from seq2seq_tf.tasks.language_model.streams import iter_chunks, row_length
from seq2seq_tf.text.given import check_text, check_texts
from seq2seq_tf.text.running_text import TextOfIds, text_ids
from seq2seq_tf.text.tokenizer import Tokenizer, load_tokenizer
from seq2seq_tf.tracing import trace
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import IN_TRAINING, load_weights, outline

_IDS = tf.TensorSpec([None, None], tf.int32)
_ROW = tf.TensorSpec([None], tf.int32)
_STEPS = 256  # tokens of a text computed per call; bounds memory
_ROWS = 64  # texts computed in parallel
_AT_ONCE = 8  # tokens drawn per call while streaming: each call reads all weights
_MAX_DRAWN = 2**27  # tokens of all samples of a call; bounds memory


class TextScore(NamedTuple):
    """How well a text and its end were predicted."""

    nats: float  # -log p, summed
    tokens: int  # predicted tokens: those of the text, and its end
    characters: int
    unknown: int  # tokens missing from the vocabulary; their cost says nothing about the text

    @property
    def bits_per_character(self) -> float:
        """Bits of all tokens, the end included, divided by the number of characters, whatever the tokens are."""
        return self.nats / np.log(2.0) / max(self.characters, 1)


class Activations(NamedTuple):
    """The state after each token of a text of T tokens."""

    tokens: list[str]  # T; if tokens are characters, their concatenation is the text
    values: np.ndarray  # [T, U] float32
    names: list[str]  # U; "layer_0/h/17" is unit 17 of the output of the lowest layer, "/c/" the cell of an LSTM


class TextGenerator:
    """Model, tokenizer and traced functions of one run.

    An instance traces each function once; calls of any size reuse the trace. A text begins in the zero state with BOS,
    the beginning of a file.
    """

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, config: LanguageModelConfig) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.config = config
        self.weights = IN_TRAINING
        state = model.carry_spec()
        options = SamplingOptions(
            tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)
        )
        uniforms = tf.TensorSpec([None, None], tf.float32)
        self.score_ids = trace(model.score, [_IDS, state])
        self.logits_of_ids = trace(model.logits, [_IDS, state])
        self.score_last_ids = trace(model.score_last, [_IDS, state])
        self.states_of_ids = trace(self._states, [_IDS, state])
        self.read_ids = trace(self._read, [_IDS, state])
        self.draw_ids = trace(self._draw, [_ROW, state, uniforms, options])
        self.drawable = np.ones(tokenizer.vocab_size, bool)  # tokens that a text can contain, and its end
        self.drawable[[PAD_ID, UNK_ID]] = False
        self.drawable[EOS_ID] = not tokenizer.character_level  # the line end among pieces

    def __repr__(self) -> str:
        """Returns which run this is, and the cells and sizes of its network."""
        cell, counts = self.model.reader.name, f"{self.tokenizer.vocab_size:,} {self.tokenizer.units}"
        return outline("TextGenerator", self.weights, self.model, cell, counts)

    @classmethod
    def load(cls, model_dir: str) -> TextGenerator:
        """Loads a run folder: its final weights, or the best so far if training has not finished.

        Raises:
          InputError: not a run folder, a run of another task, no weights yet, weights damaged or of another model.
        """
        check_not_forked()
        run = RunDir(model_dir)
        config = run.load_config(LanguageModelConfig)
        tokenizer = load_tokenizer(run.tokenizer_file)
        model = LanguageModel(config.model, tokenizer.vocab_size, precision=config.train.precision)
        model.build()
        weights = load_weights(run, model)
        loaded = cls(model, tokenizer, config)
        loaded.weights = weights
        return loaded

    def _read(self, ids: tf.Tensor, state: Carry) -> Carry:
        return self.model.read(ids, state, dropout_seed=None)[1]

    def _states(self, ids: tf.Tensor, state: Carry) -> tuple[tf.Tensor, Carry]:
        """Returns the concatenated states of all layers [B, T, U], and the final state."""
        layers, final = self.model.states(ids, state)
        return tf.concat([tensor for layer in layers for tensor in layer.states], 2), final

    def _draw(
        self, last: tf.Tensor, state: Carry, uniforms: tf.Tensor, options: SamplingOptions
    ) -> tuple[tf.Tensor, tf.Tensor, Carry]:
        drawable = Drawable(tf.constant(self.drawable), BOS_ID)
        return sample(self.model.step_fn(), last, state, uniforms, options, drawable)

    def zero_state(self, rows: int) -> Carry:
        """Returns what the model carries before a text, as NumPy arrays [rows, ...]."""
        check_not_forked()
        return tf.nest.map_structure(
            lambda spec: np.zeros([rows, *spec.shape[1:]], spec.dtype.as_numpy_dtype), self.model.carry_spec()
        )

    # --- Sampling ---

    def sample(self, prompt: str = "", *, samples: int = 1, **options: Any) -> list[str]:
        """Continues a text.

        Args:
          prompt: the text to continue; "" is the beginning of a file.
          samples: number of continuations. Continuation n does not depend on this number.
          **options: fields of SampleConfig (length, temperature, top_k, top_p, seed); the run's configuration gives
            the defaults.

        Returns:
          the continuations, without the prompt. One with fewer than `length` tokens ends where the model ends the file.

        Raises:
          InputError: unknown option, value out of range or prompt that is not a string.
        """
        chosen = self.sample_options(**options)
        if not isinstance(samples, Integral) or samples < 1:
            raise InputError(f"samples must be a whole number of at least 1, got {samples!r}")
        if samples * chosen.length > _MAX_DRAWN:
            raise InputError(
                f"samples={samples} times length={chosen.length} is too many tokens for one call; "
                f"at most {_MAX_DRAWN:,} are allowed"
            )
        generators = [np.random.default_rng([chosen.seed, n]) for n in range(samples)]
        uniforms = np.stack([g.random(chosen.length, np.float32) for g in generators])
        ids, last, state = self._start(prompt, samples)
        tokens, _, _ = self.draw_ids(last, state, uniforms, _sampling(chosen))
        return [self._text(ids, row) for row in tokens.numpy()]

    def stream(self, prompt: str = "", **options: Any) -> Iterator[str]:
        """Yields the first text of `sample` token by token as it is drawn.

        Raises:
          InputError: unknown option, value out of range or prompt that is not a string.
        """
        chosen = self.sample_options(**options)
        generator = np.random.default_rng([chosen.seed, 0])
        ids, last, state = self._start(prompt, 1)
        text = TextOfIds(self.tokenizer, ids)
        for start in range(0, chosen.length, _AT_ONCE):
            uniforms = generator.random([1, min(_AT_ONCE, chosen.length - start)], np.float32)
            tokens, last, state = self.draw_ids(last, state, uniforms, _sampling(chosen))
            for token in tokens[0].numpy().tolist():
                if token == BOS_ID:
                    return
                if gained := text.add(token):
                    yield gained

    def sample_options(self, **options: Any) -> SampleConfig:
        """Returns the run's sampling options with these replaced, checked as in a configuration file."""
        sample = self.config.sample
        return dataclasses.replace(sample, **checked_options("sample", type(sample), options))

    def _start(self, prompt: str, samples: int) -> tuple[list[int], np.ndarray, Carry]:
        """Returns the ids of the prompt, the token [N] to read next (its last or BOS), and the state before it."""
        ids = text_ids(self.tokenizer, check_text(prompt, "prompt"))
        state, before = self.zero_state(1), [BOS_ID, *ids]
        for start, stop in plan_chunks(len(before) - 1, _STEPS):
            state = self.read_ids(np.asarray([before[start:stop]], np.int32), state)
        state = tf.nest.map_structure(lambda x: np.repeat(x, samples, 0), state)
        return ids, np.full([samples], before[-1], np.int32), state

    def _text(self, before: Sequence[int], tokens: np.ndarray) -> str:
        """Returns the text of drawn tokens up to the end of the file."""
        ends = np.flatnonzero((tokens == BOS_ID) | (tokens == PAD_ID))
        text = TextOfIds(self.tokenizer, before)
        return "".join(text.add(int(token)) for token in tokens[: ends[0] if len(ends) else None])

    # --- Scoring ---

    def score(self, texts: Iterable[str]) -> list[TextScore]:
        """Returns how well each text and its end are predicted, each as a separate file.

        Raises:
          InputError: a single string instead of a list, or an item that is not a string.
        """
        texts = check_texts(texts)
        rows = [text_ids(self.tokenizer, text) for text in texts]
        totals = np.zeros(len(rows))
        for group, nll in self.in_chunks(self.score_ids, [[BOS_ID, *row, BOS_ID] for row in rows], overlap=1):
            totals[group] += nll.sum(1, dtype=np.float64)
        return [
            TextScore(float(total), len(row) + 1, len(text), row.count(UNK_ID))
            for total, row, text in zip(totals, rows, texts, strict=True)
        ]

    def score_stream(self, ids: np.ndarray, rows: int, chunk: int) -> float:
        """Returns the mean loss in nats per token of a stream, read as `rows` parallel rows, each from the zero state.

        This is fast but gives a slightly high value: the first tokens of each row are predicted without their context.
        """
        length = row_length(len(ids), rows)
        state, total = self.zero_state(rows), 0.0
        for part in iter_chunks(ids, rows, 0, plan_chunks(length, chunk)):
            nll, state = self.score_ids(part, state)
            total += float(nll.numpy().sum(dtype=np.float64))
        return total / (rows * length)

    def logits(self, text: str) -> tuple[list[str], np.ndarray]:
        """Returns the tokens read (BOS and the T tokens of the text) and the logits after each, [T + 1, V]."""
        ids = [BOS_ID, *text_ids(self.tokenizer, check_text(text, "text"))]
        chunks = [logits[0] for _, logits in self.in_chunks(self.logits_of_ids, [ids])]
        return self.tokenizer.pieces(ids), np.concatenate(chunks)

    # --- Looking inside ---

    def activations(self, text: str) -> Activations:
        """Returns the states of all layers after each token of a text."""
        return self.activations_of([text])[0]

    def activations_of(self, texts: Iterable[str]) -> list[Activations]:
        """Returns the activations of several texts, each a separate file, computed in parallel: much faster."""
        texts = check_texts(texts)
        rows = [text_ids(self.tokenizer, text) for text in texts]
        names = self.model.unit_names
        parts: list[list[np.ndarray]] = [[] for _ in rows]
        for group, states in self.in_chunks(self.states_of_ids, [[BOS_ID, *row] for row in rows]):
            for n, found in zip(group, states, strict=True):
                parts[n].append(found)
        # The tokens of a row follow BOS and may be followed by padding.
        values = [np.concatenate(part)[1 : len(row) + 1] for part, row in zip(parts, rows, strict=True)]
        return [
            Activations(self._shown(text, row), found, names)
            for text, row, found in zip(texts, rows, values, strict=True)
        ]

    def _shown(self, text: str, ids: Sequence[int]) -> list[str]:
        if self.tokenizer.character_level:
            return list(text)  # unknown characters unchanged
        return ["\n" if i == EOS_ID else piece for i, piece in zip(ids, self.tokenizer.pieces(ids), strict=True)]

    def in_chunks(
        self, function: Callable[..., Any], rows: Sequence[Sequence[int]], *, overlap: int = 0
    ) -> Iterator[tuple[list[int], np.ndarray]]:
        """Calls a function on chunks of rows of ids, many rows in parallel; finished rows are dropped.

        Args:
          function: (padded ids [B, T], state) -> (output [B, ...], state).
          rows: ids, each row read from the zero state.
          overlap: number of last columns repeated at the start of the next chunk.

        Yields:
          indices of the rows and their output; the chunks of a row come in order.
        """
        order = sorted(range(len(rows)), key=lambda n: -len(rows[n]))
        for first in range(0, len(order), _ROWS):
            group = order[first : first + _ROWS]
            state = self.zero_state(len(group))
            for start in range(0, len(rows[group[0]]) - overlap, _STEPS):
                group = [n for n in group if len(rows[n]) - overlap > start]
                state = _first_rows(state, len(group))
                ids = pad_rows([rows[n][start : start + _STEPS + overlap] for n in group])
                output, state = function(ids, state)
                yield group, output.numpy()


def _first_rows(state: Carry, count: int) -> Carry:
    return tf.nest.map_structure(lambda x: x[:count], state)


def _sampling(options: SampleConfig) -> SamplingOptions:
    return SamplingOptions(np.float32(options.temperature), options.top_k, np.float32(options.top_p))
