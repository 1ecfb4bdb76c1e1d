"""What a SavedModel computes: search and scoring as functions of tensors, with every bound that a server needs.

A graph cannot report bad input, and no single request may block a server: options are clipped to their range, NaN
becomes the default, sources are truncated, and a pair too long to score gets NaN.

A loaded `tf.function` keeps its lock when binding arguments fails (TensorFlow 2.21), and all other threads wait
forever. The SavedModel's attributes for Python are therefore concrete functions, which have no lock.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq_tf.config.common import SearchConfig
from seq2seq_tf.config.search import search_leaves
from seq2seq_tf.search.limits import LengthRule
from seq2seq_tf.search.options import DTYPES, SearchOptions
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, Batch
from seq2seq_tf.tasks.translation.search import TranslationOptions, search_ids
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.tracing import trace

MAX_SCORED = 1024  # pieces of a side; attention over a pair takes time and memory of their product


class ServedOption(NamedTuple):
    """An optional input of a signature."""

    default: float
    low: float
    high: float
    help: str

    @property
    def dtype(self) -> tf.DType:
        """Type of the input."""
        return DTYPES[type(self.default)]

    def within(self, value: tf.Tensor) -> tf.Tensor:
        """Returns the value clipped to the range; the default for NaN."""
        if self.dtype == tf.bool:
            return value
        if self.dtype == tf.float32:
            value = tf.where(tf.math.is_nan(value), self.default, value)
        return tf.clip_by_value(value, tf.constant(self.low, self.dtype), tf.constant(self.high, self.dtype))


def served_options(search: SearchConfig) -> dict[str, ServedOption]:
    """Returns the options that are inputs; a larger value of the run itself extends the range."""
    return {
        name: ServedOption(leaf.type(value), leaf.type(low), leaf.type(max(high, value)), leaf.help)
        for name, leaf in search_leaves(type(search)).items()
        if leaf.served
        for value, (low, high) in [(getattr(search, name), leaf.served)]
    }


def fixed_options(search: SearchConfig) -> dict[str, Any]:
    """Returns the search options that are not inputs, with the values of the run."""
    inputs = served_options(search)
    names = (*SearchOptions._fields, *LengthRule._fields)
    return {name: getattr(search, name) for name in names if name not in inputs}


class ServedIds(tf.Module):
    """Search and scoring over piece ids."""

    def __init__(self, translator: Translator) -> None:
        super().__init__()
        self._model = translator.model
        self._weights = tuple(v.value for v in translator.model.trainable_variables)  # tracked, hence saved
        search = translator.config.search
        self._longest = search.max_source_pieces
        self._max_scored = max(MAX_SCORED, search.max_source_pieces)
        self._options = tuple(served_options(search).items())
        self._fixed = tuple(fixed_options(search).items())

    def signatures(self) -> dict[str, Any]:
        """Traces the functions and returns them by name; sets them as attributes of this module too, for Python."""
        ids = tf.TensorSpec([None, None], tf.int32, name="source")
        target = tf.TensorSpec([None, None], tf.int32, name="target")
        search, score = self._with_options(self._translate_ids, ids), trace(self._score_ids, [ids, target])
        self.translate_ids = _concrete(search, ids)
        self.score_ids = score.get_concrete_function()
        return {"serving_default": search, "score_ids": score}

    def _with_options(self, function: Callable[..., dict[str, tf.Tensor]], first: tf.TensorSpec) -> Any:
        """Traces function(first, options...) once, with the run's search options as defaults."""
        options = dict(self._options)
        specs = [tf.TensorSpec([], option.dtype, name=name) for name, option in options.items()]

        def call(x: tf.Tensor, *given: tf.Tensor) -> dict[str, tf.Tensor]:
            values = {name: option.within(value) for (name, option), value in zip(options.items(), given, strict=True)}
            values["n_best"] = tf.minimum(values["n_best"], values["beam_size"])
            return function(x, TranslationOptions.by_name({**dict(self._fixed), **values}))

        # The inputs get the names and defaults of the traced Python function.
        place = inspect.Parameter.POSITIONAL_OR_KEYWORD
        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter("x", place),
                *(
                    inspect.Parameter(name, place, default=tf.constant(option.default, option.dtype))
                    for name, option in options.items()
                ),
            ]
        )
        return trace(call, [first, *specs])

    def _translate_ids(self, source: tf.Tensor, options: TranslationOptions) -> dict[str, tf.Tensor]:
        """Maps source [B, S] int32 (EOS, then PAD) to tokens [B, N, T] and lengths, scores and log_probs [B, N]."""
        return search_ids(self._model, _cut(source, self._longest), options)._asdict()

    def _score_ids(self, source: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
        """Maps source [B, S], target [B, T] int32 (EOS, then PAD) to log_probs [B], attention [B, T, S]."""
        most = self._max_scored
        too_long = _pieces(source) > most, _pieces(target) > most
        source, target = _cut(source, most), _cut(target, most)
        starts = tf.fill([tf.shape(target)[0], 1], BOS_ID)
        shifted = tf.concat([starts, tf.where(target[:, :-1] == EOS_ID, PAD_ID, target[:, :-1])], 1)
        log_probs, attention = self._model.score(Batch(source, shifted, target))
        log_probs = tf.where(too_long[0] | too_long[1], float("nan"), tf.reduce_sum(log_probs, 1))
        return {"log_probs": log_probs, "attention": attention}


def _concrete(function: Any, first: tf.TensorSpec) -> Any:
    """Returns function(first) with every other argument at its default, as a concrete function."""
    return trace(lambda x: function(x), [first]).get_concrete_function()


def _pieces(ids: tf.Tensor) -> tf.Tensor:
    """Returns [B] int32: the pieces of each row of ids [B, S], without EOS and PAD."""
    return tf.reduce_sum(tf.cast((ids != PAD_ID) & (ids != EOS_ID), tf.int32), 1)


def _cut(ids: tf.Tensor, most: int) -> tf.Tensor:
    """Returns ids [B, S] with rows truncated to `most` pieces, then EOS; shorter rows are unchanged."""
    head, rest = ids[:, :most], ids[:, most : most + 1]  # [B, S'], [B, 0 or 1]
    return tf.concat([head, tf.where(rest == PAD_ID, PAD_ID, EOS_ID)], 1)


class ServedText(ServedIds):
    """Search and scoring over strings; contains the tokenizer."""

    def __init__(self, translator: Translator) -> None:
        super().__init__(translator)
        self._source = translator.source.in_graph()
        self._target = translator.target.in_graph()

    def signatures(self) -> dict[str, Any]:
        """See `ServedIds.signatures`; adds the functions over strings."""
        of_ids = super().signatures()
        texts = tf.TensorSpec([None], tf.string, name="texts")
        pair = [tf.TensorSpec([None], tf.string, name=name) for name in ("sources", "targets")]
        search, score = self._with_options(self._translate, texts), trace(self._score, pair)
        self.translate = _concrete(search, texts)
        self.score = score.get_concrete_function()
        return {
            "serving_default": search,
            "score": score,
            "translate_ids": of_ids["serving_default"],
            "score_ids": of_ids["score_ids"],
        }

    def _translate(self, texts: tf.Tensor, options: TranslationOptions) -> dict[str, tf.Tensor]:
        """Maps texts [B] to translations [B, N] string, scores and log_probs [B, N]; an empty text stays empty."""
        source = self._source.encode(texts, tf.constant(self._longest))
        found = search_ids(self._model, source, options)
        shape = tf.shape(found.scores)
        rows = [shape[0] * shape[1], tf.shape(found.tokens)[2]]  # -1 cannot be inferred for an empty batch
        decoded = self._target.decode(tf.reshape(found.tokens, rows))
        empty = (source[:, :1] == EOS_ID) | (found.lengths == 0)
        return {
            "translations": tf.where(empty, "", tf.reshape(decoded, shape)),
            "scores": tf.where(source[:, :1] == EOS_ID, 0.0, found.scores),
            "log_probs": tf.where(source[:, :1] == EOS_ID, 0.0, found.log_probs),
        }

    def _score(self, sources: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
        """Maps sources [B], targets [B] string to log_probs [B], attention [B, T, S] over pieces."""
        one_more = tf.constant(self._max_scored + 1)  # so that longer texts are recognised
        return self._score_ids(self._source.encode(sources, one_more), self._target.encode(targets, one_more))
