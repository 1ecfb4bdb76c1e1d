"""Describing images with a trained run: the Python API, used by every captioning program."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
import tensorflow as tf

from seq2seq_tf.config.search import with_search
from seq2seq_tf.data.batching import pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.forks import check_not_forked
from seq2seq_tf.search.decode import METHODS, decode, method_of
from seq2seq_tf.search.limits import Limits
from seq2seq_tf.search.options import SearchOptions, by_name, specs_of, values_of
from seq2seq_tf.structures import BOS_ID, EOS_ID, Hypotheses
from seq2seq_tf.tasks.captioning.config import CaptioningConfig, CaptioningSearchConfig
from seq2seq_tf.tasks.captioning.model import CaptionBatch, Captioning
from seq2seq_tf.text.given import check_texts
from seq2seq_tf.text.words import WordTokenizer
from seq2seq_tf.tracing import trace
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import IN_TRAINING, load_weights, outline

_IDS = tf.TensorSpec([None, None], tf.int32)
_WHOLE = tf.TensorSpec([], tf.int32)
Images = np.ndarray | Iterable[np.ndarray]  # [B, rows, columns], or B of [rows, columns]


class Caption(NamedTuple):
    """A caption of an image."""

    text: str
    score: float  # log-probability / length penalty; n-best lists are sorted by it
    log_prob: float  # natural logarithm, sum over words and the end of the caption
    words: list[str]  # without the end
    attention: np.ndarray  # [words + 1, rows, columns] of the grid, each map sums to 1; [0, 0, 0] if not requested


def build_model(config: CaptioningConfig, words: WordTokenizer) -> Captioning:
    """Returns a newly initialised model for a run."""
    model = Captioning(
        config.model,
        config.data.image_size,
        words.vocab_size,
        precision=config.train.precision,
        smoothing=config.train.label_smoothing,
    )
    model.build()
    return model


class Captioner:
    """Model, words and traced search of one run.

    An instance traces each function once; calls with any number of images reuse the trace.
    """

    def __init__(self, model: Captioning, words: WordTokenizer, config: CaptioningConfig) -> None:
        self.model = model
        self.words = words
        self.config = config
        self.weights = IN_TRAINING
        size = config.data.image_size
        images = tf.TensorSpec([None, size, size], tf.uint8)
        inputs = [images, _WHOLE, by_name(SearchOptions, specs_of(config.search))]
        self.searches = {method: trace(functools.partial(self._search, method), inputs) for method in METHODS}
        self.score_ids = trace(self._score, [images, _IDS, _IDS])

    def __repr__(self) -> str:
        """Returns which run this is, and the cells and sizes of its network."""
        cell, counts = self.config.model.cell, f"{self.words.vocab_size:,} words"
        return outline("Captioner", self.weights, self.model, cell, counts)

    @classmethod
    def load(cls, model_dir: str) -> Captioner:
        """Loads a run folder: its final weights, or the best so far if training has not finished.

        Raises:
          InputError: not a run folder of this task, no weights yet, weights damaged or of another model.
        """
        check_not_forked()
        run = RunDir(model_dir)
        config = run.load_config(CaptioningConfig)
        words = WordTokenizer(run.labels)
        model = build_model(config, words)
        weights = load_weights(run, model)
        loaded = cls(model, words, config)
        loaded.weights = weights
        return loaded

    def _search(self, method: str, images: tf.Tensor, longest: tf.Tensor, options: SearchOptions) -> Hypotheses:
        memory, state = self.model.encode(images)
        return decode(self.model.step_fn(), state, memory, _limits(images, longest), options, method=method)

    def _score(self, images: tf.Tensor, target_in: tf.Tensor, target_out: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.model.score(CaptionBatch(images, target_in, target_out))

    @overload
    def describe(self, images: np.ndarray, *, attention: bool = ..., **options: float) -> Any: ...

    @overload
    def describe(
        self, images: Iterable[np.ndarray], *, attention: bool = ..., **options: float
    ) -> list[Caption] | Any: ...

    def describe(self, images: Images, *, attention: bool = False, **options: float) -> Any:
        """Describes one image or several.

        Args:
          images: [rows, columns] uint8 gives one result; a list of such arrays, or one array [B, rows, columns],
            gives a list in the same order. `captioning.images.read_image` reads them from files.
          attention: also return attention maps (one more pass over the results).
          **options: fields of CaptioningSearchConfig (beam_size, n_best, length_penalty, ...); the run's configuration
            gives the defaults.

        Returns:
          a Caption per image; with n_best above 1 a list of Captions per image, best first.

        Raises:
          InputError: an image of the wrong size or type, unknown option or value out of range.
        """
        if isinstance(images, np.ndarray) and images.ndim == 2:
            return self.describe([images], attention=attention, **options)[0]
        search = self.search_options(**options)
        results = self.describe_all(images, search, attention=attention)
        return [row[0] for row in results] if search.n_best == 1 else results

    def search_options(self, **options: float) -> CaptioningSearchConfig:
        """Returns the run's search options with these replaced, checked as in a configuration file."""
        return with_search(self.config.search, options)

    def describe_all(
        self, images: Images, search: CaptioningSearchConfig, *, attention: bool = False
    ) -> list[list[Caption]]:
        """Returns a list of captions per image, best first; see `describe`."""
        pixels = self._checked(images)
        traced, options = self.searches[method_of(search.beam_size)], by_name(SearchOptions, values_of(search))
        results: list[list[Caption]] = []
        for start in range(0, len(pixels), search.batch_size):
            chosen = pixels[start : start + search.batch_size]
            results += self._read(chosen, traced(chosen, search.max_words + 1, options), attention)  # the end counts
        return results

    def _checked(self, images: Images) -> np.ndarray:
        """Returns the images as one array [B, rows, columns] uint8.

        Raises:
          InputError: not a list of arrays, or an image of the wrong size or type (named by its number, from 1).
        """
        check_not_forked()
        size = self.config.data.image_size
        if not isinstance(images, Iterable) or isinstance(images, str | bytes | Mapping):
            raise InputError(f"images must be a list of arrays, got {type(images).__name__}")
        images = list(images)
        for number, image in enumerate(images, start=1):
            if getattr(image, "shape", None) != (size, size) or image.dtype != np.uint8:
                got = f"{image.shape} {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
                raise InputError(f"image {number}: must be a ({size}, {size}) array of uint8, got {got}")
        return np.stack(images) if images else np.zeros((0, size, size), np.uint8)

    def _read(self, pixels: np.ndarray, found: Hypotheses, attention: bool) -> list[list[Caption]]:
        """Returns the captions of each image of a batch."""
        tokens, lengths, scores, log_probs = (x.numpy() for x in found)
        n_best = tokens.shape[1]
        rows = [tokens[b, k, : max(lengths[b, k] - 1, 0)] for b in range(len(pixels)) for k in range(n_best)]
        texts = self.words.decode(rows)
        maps = [np.zeros((0, 0, 0), np.float32)] * len(rows)
        if attention and self.model.decoder.attention.has_weights:
            _, weights = self._teacher_force(np.repeat(pixels, n_best, axis=0), rows)
            side = self.model.encoder.side
            grids = weights.reshape([len(rows), -1, side, side])
            maps = [grids[r, : len(rows[r]) + 1] for r in range(len(rows))]
        return [
            [
                Caption(
                    text=texts[r],
                    score=float(scores[b, r - b * n_best]),
                    log_prob=float(log_probs[b, r - b * n_best]),
                    words=self.words.pieces(rows[r]),
                    attention=maps[r],
                )
                for r in range(b * n_best, (b + 1) * n_best)
                if lengths[b, r - b * n_best] > 0
            ]
            for b in range(len(pixels))
        ]

    def _teacher_force(self, pixels: np.ndarray, rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
        """Returns log-probabilities [B, T], zero on padding, and attention weights [B, T, S]."""
        log_probs, weights = self.score_ids(pixels, pad_rows(rows, first=BOS_ID), pad_rows(rows, last=EOS_ID))
        return log_probs.numpy(), weights.numpy()

    def score(self, images: Images, captions: Iterable[str]) -> list[float]:
        """Returns the natural logarithm of p(caption | image) for each pair, the end of the caption included.

        Raises:
          InputError: lists of different lengths, a single string instead of a list, an item that is not a string, or
            an image of the wrong size or type.
        """
        pixels, texts = self._checked(images), check_texts(captions, "captions")
        if len(pixels) != len(texts):
            raise InputError(f"images and captions differ in length: {len(pixels)} and {len(texts)}")
        ids = self.words.encode(texts)
        scores: list[float] = []
        size = self.config.search.batch_size
        for start in range(0, len(ids), size):
            log_probs, _ = self._teacher_force(pixels[start : start + size], ids[start : start + size])
            scores += [float(value) for value in log_probs.sum(1)]
        return scores


def _limits(images: tf.Tensor, longest: tf.Tensor) -> Limits:
    """Returns the same limits for each image: from the end alone to `longest` words, counting the end."""
    count = tf.shape(images)[0]
    return Limits(tf.ones([count], tf.int32), tf.fill([count], longest))
