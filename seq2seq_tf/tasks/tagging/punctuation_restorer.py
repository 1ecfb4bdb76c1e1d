"""Restoring case and punctuation with a trained tagging run: the Python API, used by the programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.data.batching import batches_by_length, for_each_batch, pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.forks import check_not_forked
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.tagging.casing import LABELS, MIXED, WordForms, restored, split_words
from seq2seq_tf.tasks.tagging.config import TaggingConfig
from seq2seq_tf.tasks.tagging.data import spell_words
from seq2seq_tf.tasks.tagging.model import Tagging
from seq2seq_tf.text.given import check_texts
from seq2seq_tf.text.tokenizer import Tokenizer, load_tokenizer
from seq2seq_tf.tracing import trace
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import IN_TRAINING, load_weights, outline

_OVERLAP = 4  # neighbouring windows share at most one part in this many


def forms_file(run: RunDir) -> str:
    """Returns the path of the file of word forms."""
    return os.path.join(run.path, "words.json")


def load_forms(run: RunDir) -> WordForms:
    """Returns the word forms of a run.

    Raises:
      InputError: the file is missing or damaged.
    """
    path = forms_file(run)
    try:
        with open(path, encoding="utf-8") as file:
            return WordForms(**json.load(file))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not the word forms of a tagging run: {error}") from None


class Window(NamedTuple):
    """Words of a text that are read together: `start` to `end`; those from `first` to `last` get their labels here."""

    text: int
    start: int
    end: int
    first: int
    last: int


def windows(text: int, counts: Sequence[int], max_pieces: int) -> Iterator[Window]:
    """Yields the windows of a text, each with as many words as fit; the next repeats at most a quarter of them.

    A word shared by two windows gets its label from the window whose middle is nearer.

    Args:
      text: index of the text.
      counts: number of pieces of each word.
      max_pieces: maximum pieces per window; a longer word is a window by itself.
    """
    start = first = 0
    while first < len(counts):
        room = np.cumsum(counts[start : start + max_pieces]) <= max_pieces
        end = start + max(int(room.sum()), 1)
        shared = (end - start) // _OVERLAP if end < len(counts) else 0
        while shared and sum(counts[end - shared : end + 1]) > max_pieces:  # the next window must reach a new word
            shared -= 1
        last = end - shared // 2
        yield Window(text, start, end, first, last)
        start, first = end - shared, last


class PunctuationRestorer:
    """Model, tokenizer and word forms of one run. The result for a text depends only on that text."""

    def __init__(self, model: Tagging, tokenizer: Tokenizer, forms: WordForms, config: TaggingConfig) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.forms = forms
        self.config = config
        self.weights = IN_TRAINING
        self._log_probs = trace(model.log_probs, [tf.TensorSpec([None, None], tf.int32)])
        self._mixed = np.array([label in MIXED for label in LABELS])

    def __repr__(self) -> str:
        """Returns which run this is, and the cells and sizes of its network."""
        tokens = f"{self.tokenizer.vocab_size:,} {self.tokenizer.units}"
        cell, counts = self.config.model.cell, f"{len(LABELS):,} labels, {tokens}"
        return outline("PunctuationRestorer", self.weights, self.model, cell, counts)

    @classmethod
    def load(cls, model_dir: str) -> PunctuationRestorer:
        """Loads a run folder: its final weights, or the best so far if training has not finished.

        Raises:
          InputError: not the folder of a tagging run, no weights yet, weights damaged or of another model.
        """
        check_not_forked()
        run = RunDir(model_dir)
        config = run.load_config(TaggingConfig)
        tokenizer = load_tokenizer(run.tokenizer_file)
        model = Tagging(config.model, tokenizer.vocab_size, len(LABELS), precision=config.train.precision)
        model.build()
        weights = load_weights(run, model)
        loaded = cls(model, tokenizer, load_forms(run), config)
        loaded.weights = weights
        return loaded

    def log_probs(self, texts: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Returns log p(label | text) for each word, [words, labels] float32 per text.

        Args:
          texts: lower-cased words without punctuation around them.
        """
        check_not_forked()
        spelt = spell_words(texts, self.tokenizer)
        max_pieces = self.config.data.max_pieces
        parts = [w for n, words in enumerate(spelt) for w in windows(n, [len(ids) for ids in words], max_pieces)]
        rows = [[i for ids in spelt[w.text][w.start : w.end] for i in ids] for w in parts]
        found = [np.zeros((len(words), len(LABELS)), np.float32) for words in texts]

        def fill(chosen: list[int]) -> None:
            values = self._log_probs(pad_rows([rows[n] for n in chosen], last=EOS_ID)).numpy()  # [B, S, labels]
            for row, window in zip(values, (parts[n] for n in chosen), strict=True):
                counts = [len(ids) for ids in spelt[window.text][window.start : window.end]]
                of_word = row[np.cumsum(counts) - 1]  # at the last piece of each word
                kept = of_word[window.first - window.start : window.last - window.start]
                found[window.text][window.first : window.last] = kept

        for_each_batch(fill, batches_by_length([len(row) + 1 for row in rows], self.config.train.batch_tokens))
        return found

    def labels(self, texts: Sequence[Sequence[str]], log_probs: Sequence[np.ndarray]) -> list[list[str]]:
        """Returns the most probable label of each word; mixed case is allowed only for words with a known form.

        Args:
          texts: lower-cased words, as for `log_probs`.
          log_probs: of these words, from `log_probs`.
        """
        found = []
        for words, values in zip(texts, log_probs, strict=True):
            unknown = np.array([word not in self.forms.mixed for word in words], bool)[:, np.newaxis]
            allowed = np.where(unknown & self._mixed, -np.inf, values)  # [words, labels]
            found.append([LABELS[n] for n in allowed.argmax(1)])
        return found

    def restore(self, texts: Iterable[str]) -> list[str]:
        """Returns the texts with case and punctuation restored; white space between words becomes one space.

        Words, and capitals and marks already in a text, are kept. A text without words is returned unchanged.

        Raises:
          InputError: a single string instead of a list, or an item that is not a string.
        """
        texts = check_texts(texts)
        split = [split_words(text) for text in texts]
        cores = [[word.core.lower() for word in words if word.core] for words in split]
        results = []
        for text, words, labels in zip(texts, split, self.labels(cores, self.log_probs(cores)), strict=True):
            left = iter(labels)
            shown = [restored(word, next(left), self.forms.mixed) if word.core else word.before for word in words]
            results.append(" ".join(shown) if labels else text)
        return results
