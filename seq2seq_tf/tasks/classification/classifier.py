"""Classifying texts with a trained run: the Python API, used by the programs and the data doctor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.data.batching import batches_by_length, for_each_batch, pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.forks import check_not_forked
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.classification.config import ClassificationConfig, ClassificationDataConfig
from seq2seq_tf.tasks.classification.model import Classification
from seq2seq_tf.text.given import check_texts
from seq2seq_tf.text.lines import iter_lines
from seq2seq_tf.text.tokenizer import Tokenizer, load_tokenizer, non_empty
from seq2seq_tf.tracing import trace
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import IN_TRAINING, load_weights, outline


class Prediction(NamedTuple):
    """A label and its probability for a text."""

    label: str
    probability: float


def spell(texts: Sequence[str], tokenizer: Tokenizer, data: ClassificationDataConfig) -> list[list[int]]:
    """Returns all ids of each text, without EOS."""
    return tokenizer.encode([text.casefold() for text in texts] if data.lowercase else texts)


class Classifier:
    """Model, tokenizer and labels of one run. The result for a text depends only on that text."""

    def __init__(
        self, model: Classification, tokenizer: Tokenizer, labels: tuple[str, ...], config: ClassificationConfig
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.labels = labels
        self.config = config
        self.weights = IN_TRAINING
        self._log_probs = trace(model.log_probs, [tf.TensorSpec([None, None], tf.int32)])

    def __repr__(self) -> str:
        """Returns which run this is, and the cells and sizes of its network."""
        tokens = f"{self.tokenizer.vocab_size:,} {self.tokenizer.units}"
        cell, counts = self.config.model.cell, f"{len(self.labels):,} labels, {tokens}"
        return outline("Classifier", self.weights, self.model, cell, counts)

    @classmethod
    def load(cls, model_dir: str) -> Classifier:
        """Loads a run folder: its final weights, or the best so far if training has not finished.

        Raises:
          InputError: not the folder of a classification run, no weights yet, weights damaged or of another model.
        """
        check_not_forked()
        run = RunDir(model_dir)
        config = run.load_config(ClassificationConfig)
        tokenizer, labels = load_tokenizer(run.tokenizer_file), tuple(iter_lines(run.labels))
        model = Classification(config.model, tokenizer.vocab_size, len(labels), precision=config.train.precision)
        model.build()
        weights = load_weights(run, model)
        loaded = cls(model, tokenizer, labels, config)
        loaded.weights = weights
        return loaded

    def log_probs(self, texts: Iterable[str]) -> np.ndarray:
        """Returns log p(label | text), [texts, labels] float32, for every text, even a blank one.

        Raises:
          InputError: a single string instead of a list, or an item that is not a string.
        """
        return self._of_rows(spell(check_texts(texts), self.tokenizer, self.config.data))

    def non_empty(self, texts: Sequence[str]) -> list[bool]:
        """Returns for each text whether it has anything to read."""
        return non_empty(texts, spell(texts, self.tokenizer, self.config.data), self.tokenizer)

    def _of_rows(self, spelt: Sequence[Sequence[int]]) -> np.ndarray:
        check_not_forked()
        rows = [row[: self.config.data.max_tokens] for row in spelt]
        found = np.zeros((len(rows), len(self.labels)), np.float32)

        def fill(chosen: list[int]) -> None:
            found[chosen] = self._log_probs(pad_rows([rows[n] for n in chosen], last=EOS_ID)).numpy()

        for_each_batch(fill, batches_by_length([len(row) + 1 for row in rows], self.config.train.batch_tokens))
        return found

    def classify(self, texts: Iterable[str], *, top: int = 1) -> list[list[Prediction]]:
        """Returns the `top` most probable labels of each text, best first; none for a text with nothing to read.

        Raises:
          InputError: a single string instead of a list, an item that is not a string, or `top` below 1.
        """
        texts = check_texts(texts)
        if not isinstance(top, Integral) or top < 1:
            raise InputError(f"top must be a whole number of at least 1, got {top!r}")
        rows = spell(texts, self.tokenizer, self.config.data)
        real = [n for n, holds in enumerate(non_empty(texts, rows, self.tokenizer)) if holds]
        results: list[list[Prediction]] = [[] for _ in texts]
        probabilities = np.exp(self._of_rows([rows[n] for n in real]))
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        for n, row, order in zip(real, probabilities, best, strict=True):
            results[n] = [Prediction(self.labels[k], float(row[k])) for k in order]
        return results
