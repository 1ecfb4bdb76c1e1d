"""Recording every step of a language model: states after each token of a text, gradients over its steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.cell_traces import NamedCell
from seq2seq_tf.inspection.readings import SEPARATOR, Reading, token_spans
from seq2seq_tf.structures import CellStates, LossSum
from seq2seq_tf.tasks.language_model.config import LanguageModelModelConfig
from seq2seq_tf.tasks.language_model.model import LanguageModel
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.text.running_text import TextOfIds, text_ids
from seq2seq_tf.text.tokenizer import Tokenizer

_WARM_UP = 100  # tokens read before an excerpt, so that its state is not that of the beginning of a text


class StreamBatch(NamedTuple):
    """Excerpts of a text, each with the tokens before it."""

    before: np.ndarray  # [B, W] int32, only read: the state carries over, the gradient does not, as in training
    ids: np.ndarray  # [B, T + 1] int32; the first T are read, the last T predicted


class RecordableLanguageModel:
    """Implements `Recordable` for batches of type `StreamBatch`."""

    def __init__(self, config: LanguageModelModelConfig, vocab_size: int) -> None:
        self.model = LanguageModel(
            dataclasses.replace(config, fused=False, cudnn=False), vocab_size, precision="float32"
        )
        self.model.build()
        self.cells = [NamedCell(f"layer_{n}", cell, False) for n, cell in enumerate(self.model.cells)]

    def start(self, batch: StreamBatch) -> CellStates:
        """Returns the state after the tokens that are only read."""
        carry = self.model.initial_carry(len(batch.ids))
        if batch.before.shape[1]:
            _, carry = self.model.read(tf.constant(batch.before), carry, dropout_seed=None)
        return carry

    def loss(self, batch: StreamBatch, start: CellStates) -> LossSum:
        """Returns the loss of a batch from a start state."""
        return self.model.batch_loss(batch.ids, start, dropout_seed=None)[0]

    def lengths(self, batch: StreamBatch, cell: str) -> np.ndarray:
        """Returns T for each row, [B]: all tokens are real."""
        del cell
        return np.full(len(batch.ids), batch.ids.shape[1] - 1)

    def describe(self, batch: StreamBatch) -> str:
        """Returns the size of a batch."""
        rows, columns = batch.ids[:, 1:].shape
        read = batch.before.shape[1]
        return f"{rows} sequences of up to {columns} steps, each after {read} tokens that were only read"


def reference_copy(model: LanguageModel) -> RecordableLanguageModel:
    """Returns a newly initialised model of the same sizes whose every step can be recorded.

    Raises:
      InputError: no layer is recurrent, so there is nothing to record.
    """
    if not model.cells:
        raise InputError(f"gradients over the steps need a recurrent cell, got model.cell={model.config.cell}")
    return RecordableLanguageModel(model.config, model.vocab_size)


def stream_batch(ids: np.ndarray, sequences: int, steps: int) -> StreamBatch:
    """Returns excerpts spread evenly over a stream of tokens, treated as a ring.

    Args:
      ids: [N], the stream.
      sequences: maximum number of excerpts; a short stream gives fewer.
      steps: maximum tokens to predict per excerpt; a short stream gives fewer.

    Raises:
      InputError: fewer than two tokens.
    """
    if len(ids) < 2:
        raise InputError("the text is too short to measure gradients on")
    steps = min(steps, len(ids) - 1)
    rows = max(1, min(sequences, len(ids) // (steps + 1)))
    starts = np.arange(rows)[:, np.newaxis] * (len(ids) // rows)  # [B, 1]
    before, places = (starts + np.arange(*ends) for ends in ((-_WARM_UP, 0), (0, steps + 1)))
    return StreamBatch(*(ids[each % len(ids)].astype(np.int32) for each in (before, places)))


def read_files(generator: TextGenerator, texts: Sequence[str], characters: int) -> Reading:
    """Reads texts in order, each from its beginning as a separate file, until there are enough characters.

    Args:
      generator: the language model.
      texts: whole files.
      characters: the text read is cut to this length, at the end of a line if possible.

    Raises:
      InputError: nothing to read.
    """
    whole, kept = _enough(texts, characters)
    if not any(kept):
        raise InputError("the text is empty")
    found = generator.activations_of(kept)
    tokens = [list(text) if _spells(generator.tokenizer) else _pieces(generator.tokenizer, text) for text in kept]
    if not _spells(generator.tokenizer):  # pieces may fold spaces: the text is what they spell
        whole = ["".join(_pieces(generator.tokenizer, text)) for text in whole]
    shown = [token for row in tokens for token in row]
    values = np.concatenate([each.values for each in found])
    return Reading("text", whole, shown, token_spans(shown), values, found[0].names)


def _spells(tokenizer: Tokenizer) -> bool:
    return tokenizer.character_level


def _enough(texts: Sequence[str], characters: int) -> tuple[list[str], list[str]]:
    """Returns the first texts that contain enough characters: whole, and with separators, the last one cut."""
    whole: list[str] = []
    left = characters
    while len(whole) < len(texts) and left > 0:
        whole.append(texts[len(whole)])
        left -= len(whole[-1]) + len(SEPARATOR)
    if not whole:
        return [], []
    last = whole[-1]
    if left < -len(SEPARATOR):
        last = last[: left + len(SEPARATOR)]
        last = last[: last.rfind("\n") + 1] or last
    return whole, [text + SEPARATOR for text in whole[:-1]] + [last]


def _pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    """Returns the text that each token adds; "" for a byte that does not complete a character."""
    gained = TextOfIds(tokenizer)
    return [gained.add(i) for i in text_ids(tokenizer, text)]
