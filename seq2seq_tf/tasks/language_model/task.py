"""Language modelling as a task: from text files to streams, model and held-out scores."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from seq2seq_tf.data.batching import Chunk, plan_chunks
from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.gradient_watch import SEQUENCES, STEPS, GradientWatch
from seq2seq_tf.tasks.language_model.config import LanguageModelConfig, LanguageModelDataConfig
from seq2seq_tf.tasks.language_model.model import LanguageModel
from seq2seq_tf.tasks.language_model.reader import Carry
from seq2seq_tf.tasks.language_model.recording import reference_copy, stream_batch
from seq2seq_tf.tasks.language_model.streams import (
    Stream,
    epoch_offset,
    iter_chunks,
    load_stream,
    row_length,
    write_stream,
)
from seq2seq_tf.tasks.language_model.text_generator import TextGenerator
from seq2seq_tf.text.characters import write_character_tokenizer
from seq2seq_tf.text.normalization import NONE_CHANGED, Changed
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer, train_piece_model
from seq2seq_tf.text.text_files import TextFiles, find_text_files, read_text, share_out
from seq2seq_tf.text.tokenizer import Tokenizer, load_tokenizer
from seq2seq_tf.training.init_from import take_over_tokenizers
from seq2seq_tf.training.prepared import check_prepared, seal_prepared
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.task import EpochPlan, GradientCurves
from seq2seq_tf.training.tokenizers import has_bound_tokenizers


class LanguageModelTask:
    """Implements `training.task.Task`.

    An epoch reads the training stream once, chunk by chunk: `train.batch_size` rows in parallel, each from the zero
    state. With `train.random_offset` it begins at a place that is a function of (seed, epoch).

    Args:
      config: options of the run.
      tokenizer: its units are characters or pieces.
      train: training stream.
      valid: held-out stream.
      model: already built.
    """

    batch_spec = tf.TensorSpec([None, None], tf.int32)

    def __init__(
        self, config: LanguageModelConfig, tokenizer: Tokenizer, train: Stream, valid: Stream, model: LanguageModel
    ) -> None:
        self.config = config
        self.train = train
        self.valid = valid
        self.model = model
        self.carry_spec = model.carry_spec()
        self.generator = TextGenerator(model, tokenizer, config)
        self._watch: GradientWatch | None = None
        self._length = row_length(train.size.symbols, config.train.batch_size)

    def _offset(self, epoch: int) -> int:
        train = self.config.train
        return epoch_offset(self.train.size.symbols, train.seed, epoch) if train.random_offset else 0

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the chunks of an epoch."""
        del epoch  # all epochs have the same chunks, but of different text
        return EpochPlan(plan_chunks(self._length, self.config.train.bptt_steps), 0.0)

    def load(self, epoch: int, batches: Sequence[Chunk]) -> Iterator[np.ndarray]:
        """Yields chunks of all rows, [B, L + 1] int32."""
        return iter_chunks(self.train.ids, self.config.train.batch_size, self._offset(epoch), batches)

    def first_carry(self) -> Carry:
        """Returns the zero state of every row."""
        return self.generator.zero_state(self.config.train.batch_size)

    def describe(self, batches: Sequence[Chunk]) -> str:
        """Returns which tokens of the rows are in these batches."""
        return f"tokens {batches[0][0] + 1:,} to {batches[-1][1]:,} of each of {self.config.train.batch_size} rows"

    def validate(self) -> dict[str, float]:
        """Scores the held-out stream, read as several rows in parallel: nats per token, and bits per character."""
        train, size = self.config.train, self.valid.size
        rows = max(1, min(train.batch_size, size.symbols // train.bptt_steps))
        loss = self.generator.score_stream(self.valid.ids, rows, train.bptt_steps)
        return {"loss": loss, "bits_per_character": loss / math.log(2.0) * size.symbols / size.characters}

    def pictures(self) -> dict[str, bytes]:
        """Returns no pictures."""
        return {}

    def gradient_curves(self) -> GradientCurves:
        """Returns how the gradient flows back on held-out text; see `HasGradientCurves`."""
        if self._watch is None:
            batch = stream_batch(self.valid.ids, SEQUENCES, STEPS)
            self._watch = GradientWatch(self.model, lambda: reference_copy(self.model), batch)
        return self._watch.look()


def text_parts(data: LanguageModelDataConfig) -> dict[str, TextFiles]:
    """Returns the files of train, valid and test; test may be empty.

    Raises:
      InputError: a path is missing, a folder has no files or nothing is held out.
    """
    if not data.train:
        raise InputError("data.train must name a text file or a folder of text files")
    parts = {
        part: find_text_files(path, data.pattern, data.exclude)
        for part, path in (("train", data.train), ("valid", data.valid), ("test", data.test))
        if path
    }
    if data.valid:
        return {"test": TextFiles("", ()), **parts}
    if os.path.isfile(data.train):
        raise InputError(f"{data.train}: a single file cannot be divided; name held-out text in data.valid")
    shared = share_out(parts["train"], data.valid_share, 0.0 if data.test else data.test_share)
    for part in ("train", "valid"):
        if not shared[part].names:
            raise InputError(
                f"{data.train}: none of {len(parts['train'].names)} files falls into {part} with data.valid_share="
                f"{data.valid_share:g}; name held-out text in data.valid"
            )
    return {**shared, **({"test": parts["test"]} if data.test else {})}


def prepare(run: RunDir, config: LanguageModelConfig, say: Callable[[str], None]) -> LanguageModelTask:
    """Makes the tokenizer and the streams, unless the run folder already has them, and builds the model.

    Raises:
      InputError: files are missing or broken (named with the line), or there is too little text.
    """
    parts = text_parts(config.data)
    prefixes = {part: os.path.join(run.data, part) for part in ("train", "valid")}
    for part in prefixes:
        if not any(map(os.path.getsize, parts[part].paths())):
            raise InputError(f"{getattr(config.data, part) or config.data.train}: the {part} text is empty")
    texts = {f"data.{part}": parts[part].paths() for part in prefixes}
    check_prepared(run, texts, [], say)
    if not os.path.exists(run.prepared):
        if not (take_over_tokenizers(run, config, say) or has_bound_tokenizers(run, config)):
            _write_tokenizer(run, config.data, parts["train"], say)
        tokenizer = load_tokenizer(run.tokenizer_file)
        sizes = {}
        for part, prefix in prefixes.items():
            sizes[part] = write_stream(map(read_text, parts[part].paths()), tokenizer, prefix)
            say(f"{part}: {sizes[part]}")
        if isinstance(tokenizer, SentencePieceTokenizer):
            changed = _not_written_back(tokenizer, parts["train"])
            say(f"not restored exactly by the pieces (data.normalization={config.data.normalization}): {changed}")
        if sizes["train"].symbols < config.train.batch_size:
            raise InputError(
                f"{config.data.train}: {sizes['train']}; fewer than train.batch_size={config.train.batch_size}"
            )
        seal_prepared(run, {part: size._asdict() for part, size in sizes.items()}, texts)
    tokenizer = load_tokenizer(run.tokenizer_file)
    train, valid = (load_stream(prefix) for prefix in prefixes.values())
    keras.utils.set_random_seed(config.train.seed)
    numbers = config.train
    model = LanguageModel(
        config.model, tokenizer.vocab_size, precision=numbers.precision, smoothing=numbers.label_smoothing
    )
    model.build()
    count = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    say(f"model: {count:,} parameters, {tokenizer.vocab_size:,} {tokenizer.units}")
    return LanguageModelTask(config, tokenizer, train, valid, model)


def _not_written_back(tokenizer: SentencePieceTokenizer, files: TextFiles) -> Changed:
    """Counts the lines that their pieces do not restore exactly, such as indented ones."""
    changed, threads = NONE_CHANGED, os.cpu_count() or 1
    for path in files.paths():
        lines = read_text(path).split("\n")
        changed = changed.followed_by(lines, tokenizer.written_back(tokenizer.encode(lines, threads=threads)))
    return changed


def _write_tokenizer(run: RunDir, data: LanguageModelDataConfig, files: TextFiles, say: Callable[[str], None]) -> None:
    """Writes the tokenizer of the training text into the run folder."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(run.tokenizer_file)  # the text may have been corrected after a first attempt failed
    if data.tokenizer == "characters":
        write_character_tokenizer(map(read_text, files.paths()), run.tokenizer_file, max_size=data.vocab_size)
        return
    say(f"training the {data.piece_model} model with {data.vocab_size:,} pieces ...")
    together = os.path.join(run.data, "train.txt")  # one file: the length of a command line is limited
    try:
        with open(together, "w", encoding="utf-8", newline="\n") as file:
            for path in files.paths():
                file.write(read_text(path) + "\n")
        train_piece_model([together], run.tokenizer_file, data, normalization=data.normalization)
    except OSError as error:
        raise InputError(f"{together}: cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(together)
