"""`seq2seq-inspect` for language models; see `inspection.abilities`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import Asked, Comparison, ContextSizes, Sizes
from seq2seq_tf.tasks.language_model.config import LanguageModelModelConfig
from seq2seq_tf.text.text_files import TextFiles, find_text_files, read_text

if TYPE_CHECKING:
    from seq2seq_tf.inspection.context_page import Contexts
    from seq2seq_tf.inspection.readings import Reading
    from seq2seq_tf.tasks.language_model.model import LanguageModel
    from seq2seq_tf.tasks.language_model.recording import RecordableLanguageModel, StreamBatch
    from seq2seq_tf.tasks.language_model.text_generator import TextGenerator

READS_PAIRS = False


def load(model_dir: str) -> TextGenerator:
    """Returns the trained language model."""
    from seq2seq_tf.tasks.language_model.text_generator import TextGenerator

    return TextGenerator.load(model_dir)


def read(generator: TextGenerator, asked: Asked, characters: int) -> tuple[list[Reading], str]:
    """Returns files as the model reads them (by default the run's test text, else its validation text) and their kind.

    The kind is "python" if every file is Python source, else "text".
    """
    from seq2seq_tf.tasks.language_model.recording import read_files
    from seq2seq_tf.text.lines import text_hash

    files = _files(generator, asked.text)
    texts: list[str] = []
    mixed = sorted(files.names, key=text_hash)  # otherwise one part of a large folder would fill the text
    for path in files._replace(names=tuple(mixed)).paths():
        if sum(map(len, texts)) < characters:
            texts.append(read_text(path))
    kind = "python" if all(name.endswith(".py") for name in files.names) else "text"
    return [read_files(generator, texts, characters)], kind


def _files(generator: TextGenerator, text: str | None) -> TextFiles:
    """Returns the files of a text, by default the run's test text, or else its validation text."""
    from seq2seq_tf.tasks.language_model.task import text_parts

    data = generator.config.data
    if text:
        return find_text_files(text, data.pattern, data.exclude)
    parts = text_parts(data)
    return parts["test"] if parts["test"].names else parts["valid"]


def contexts(runs: Mapping[str, TextGenerator], text: str | None, sizes: ContextSizes) -> Contexts:
    """Returns how well each run predicts a text, by default the first run's test text, from only the last k tokens."""
    from seq2seq_tf.tasks.language_model.contexts import measure

    files = _files(next(iter(runs.values())), text)
    return measure(runs, [read_text(path) for path in files.paths()], sizes)


def reference_copy(model: LanguageModel) -> RecordableLanguageModel:
    """Returns a newly initialised model of the same sizes whose every step can be recorded."""
    from seq2seq_tf.tasks.language_model import recording

    return recording.reference_copy(model)


def gradient_batch(generator: TextGenerator, asked: Asked, sizes: Sizes) -> StreamBatch:
    """Returns excerpts of a text, by default of the run's held-out text."""
    from seq2seq_tf.tasks.language_model.recording import stream_batch

    return stream_batch(_stream(generator, asked), *sizes)


def _stream(generator: TextGenerator, asked: Asked) -> np.ndarray:
    """Returns the token ids of a text [N]; each file begins with BOS.

    Raises:
      InputError: no text is named and the run's held-out text is missing.
    """
    from seq2seq_tf.structures import BOS_ID
    from seq2seq_tf.tasks.language_model.streams import load_stream
    from seq2seq_tf.text.running_text import text_ids
    from seq2seq_tf.training.prepared import check_data
    from seq2seq_tf.training.run_dir import RunDir

    run = RunDir(asked.model_dir)
    if not asked.text:
        if not os.path.exists(run.prepared):
            raise InputError(f"--text must name a file or folder: the held-out text in {run.data} no longer exists")
        check_data(run)
        return load_stream(os.path.join(run.data, "valid")).ids
    data = generator.config.data
    texts = [read_text(path) for path in find_text_files(asked.text, data.pattern, data.exclude).paths()]
    return np.asarray([i for text in texts for i in (BOS_ID, *text_ids(generator.tokenizer, text))], np.int32)


def sizes_of_run(generator: TextGenerator, asked: Asked, sizes: Sizes) -> Comparison:
    """Returns networks with a run's sizes, and a batch of its text."""
    batch = gradient_batch(generator, asked, sizes)
    return _comparison(generator.config.model, generator.model.vocab_size, batch)


def sizes_given(asked: Asked, sizes: Sizes, *, units: int, layers: int, seed: int) -> Comparison:
    """Returns networks of the given sizes, and a batch of the characters of a text or else of random tokens."""
    from seq2seq_tf.structures import EOS_ID
    from seq2seq_tf.tasks.language_model.recording import stream_batch

    first = EOS_ID + 1  # after the special tokens
    if asked.text:
        files = find_text_files(asked.text, "*", ".*")
        characters = np.array([ord(c) for path in files.paths() for c in read_text(path)])
        known, ids = np.unique(characters, return_inverse=True)
        ids, vocab_size = ids + first, len(known) + first
    else:
        vocab_size = 64
        ids = np.random.default_rng(seed).integers(first, vocab_size, sizes.sequences * (sizes.steps + 1))
    return _comparison(LanguageModelModelConfig(units=units, layers=layers), vocab_size, stream_batch(ids, *sizes))


def _comparison(config: LanguageModelModelConfig, vocab_size: int, batch: StreamBatch) -> Comparison:
    from seq2seq_tf.tasks.language_model.recording import RecordableLanguageModel

    def fresh(kind: str) -> RecordableLanguageModel:
        return RecordableLanguageModel(dataclasses.replace(config, cell=kind), vocab_size)

    return Comparison(config.layers, config.units, config.forget_bias, batch, fresh)
