"""Classification as a task: from folders of labelled texts to batches, model and held-out scores.

The data are prepared once and kept in the run folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from seq2seq_tf.data.batching import pad_rows, plan_epoch
from seq2seq_tf.data.labelled import (
    LabelledIds,
    LabelledTexts,
    Spans,
    draw_spans,
    label_files,
    label_paths,
    load_ids,
    pack_ids,
    read_labelled,
    save_ids,
)
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.classification.classifier import Classifier, spell
from seq2seq_tf.tasks.classification.config import ClassificationConfig
from seq2seq_tf.tasks.classification.model import Classification, LabelledBatch
from seq2seq_tf.text.characters import write_character_tokenizer
from seq2seq_tf.text.lines import iter_lines
from seq2seq_tf.text.sentencepiece import train_piece_model
from seq2seq_tf.text.tokenizer import Tokenizer, load_tokenizer, non_empty
from seq2seq_tf.training.init_from import take_over_tokenizers
from seq2seq_tf.training.prepared import check_prepared, seal_prepared
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.task import EpochPlan, SeparateSequences
from seq2seq_tf.training.tokenizers import has_bound_tokenizers


class ClassificationTask(SeparateSequences):
    """Implements `training.task.Task`.

    Args:
      classifier: model (already built), tokenizer, labels and configuration.
      train: ids of the training texts.
      valid: held-out texts.
    """

    batch_spec = LabelledBatch(tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32))

    def __init__(self, classifier: Classifier, train: LabelledIds, valid: LabelledTexts) -> None:
        self.classifier = classifier
        self.config = classifier.config
        self.model = classifier.model
        self.train = train
        self.valid = valid

    def _spans(self, epoch: int) -> Spans:
        data = self.config.data
        return draw_spans(
            self.train.offsets,
            share=data.snippets,
            shortest=data.min_snippet,
            seed=self.config.train.seed,
            epoch=epoch,
        )

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the batches of an epoch: arrays of indices of texts."""
        train = self.config.train
        lengths = self._spans(epoch).length + 1  # with EOS
        plan = plan_epoch(
            lengths,
            lengths,
            batch_tokens=train.batch_tokens,
            pool_pairs=train.pool_texts,
            seed=train.seed,
            epoch=epoch,
        )
        return EpochPlan(plan.batches, plan.padding)

    def load(self, epoch: int, batches: Sequence[np.ndarray]) -> Iterator[LabelledBatch]:
        """Yields padded batches."""
        spans, ids = self._spans(epoch), self.train.ids
        for chosen in batches:
            rows = [ids[spans.start[n] : spans.start[n] + spans.length[n]] for n in chosen]
            yield LabelledBatch(pad_rows(rows, last=EOS_ID), np.asarray(self.train.labels[chosen]))

    def describe(self, batches: Sequence[np.ndarray]) -> str:
        """Returns the numbers of the first texts of the batches."""
        return f"training texts {', '.join(str(int(n) + 1) for n in np.concatenate(batches)[:5])}, ..."

    def validate(self) -> dict[str, float]:
        """Returns loss and accuracy on the whole held-out texts."""
        log_probs = self.classifier.log_probs(self.valid.texts)
        labels = np.asarray(self.valid.labels)
        return {
            "loss": float(-np.take_along_axis(log_probs, labels[:, np.newaxis], 1).mean()),  # nats per text
            "accuracy": float((log_probs.argmax(1) == labels).mean()),
        }


def prepare(run: RunDir, config: ClassificationConfig, say: Callable[[str], None]) -> ClassificationTask:
    """Makes tokenizer, labels and ids, unless the run folder already has them, and builds the model.

    Raises:
      InputError: files are missing or broken (named with the line), there are fewer than two labels, or a held-out
        label is unknown.
    """
    data = config.data
    if not data.train or not data.valid:
        raise InputError("data.train and data.valid must name folders that contain LABEL.txt for each label")
    prepared = os.path.exists(run.prepared)
    known = take_over_tokenizers(run, config, say) or has_bound_tokenizers(run, config) or prepared
    labels = tuple(iter_lines(run.labels) if known else label_files(data.train))
    if len(labels) < 2:
        raise InputError(f"{data.train}: only one label, {labels[0]!r}; at least two are needed")
    valid = read_labelled(data.valid, labels)
    texts = {f"data.{part}": label_paths(folder) for part, folder in (("train", data.train), ("valid", data.valid))}
    check_prepared(run, texts, ["data.valid"], say)
    if not prepared:
        seal_prepared(run, _prepare_texts(run, config, labels, say), texts)
    tokenizer = load_tokenizer(run.tokenizer_file)
    keras.utils.set_random_seed(config.train.seed)
    model = Classification(
        config.model,
        tokenizer.vocab_size,
        len(labels),
        precision=config.train.precision,
        smoothing=config.train.label_smoothing,
    )
    model.build()
    count = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    tokens = f"{tokenizer.vocab_size:,} {tokenizer.units}"
    say(f"model: {count:,} parameters, {tokens}, {len(labels)} labels: {', '.join(labels)}")
    classifier = Classifier(model, tokenizer, labels, config)
    valid = valid.only(classifier.non_empty(valid.texts))
    if valid.blank:
        say(f"held-out text: {valid.blank:,} lines without text skipped")
    if not valid.texts:
        raise InputError(f"{data.valid}: no text; held-out texts are needed to choose the best checkpoint")
    return ClassificationTask(classifier, load_ids(os.path.join(run.data, "train")), valid)


def _prepare_texts(
    run: RunDir, config: ClassificationConfig, labels: tuple[str, ...], say: Callable[[str], None]
) -> dict[str, int]:
    """Writes tokenizer, labels and ids; returns counts."""
    data = config.data
    texts = read_labelled(data.train, labels)
    tokenizer = _tokenizer(run, config, texts.texts)
    rows = spell(texts.texts, tokenizer, data)
    kept = non_empty(texts.texts, rows, tokenizer)
    texts, rows = texts.only(kept), [row for row, keep in zip(rows, kept, strict=True) if keep]
    cut = sum(len(row) > data.max_tokens for row in rows)
    save_ids(os.path.join(run.data, "train"), pack_ids([row[: data.max_tokens] for row in rows], texts.labels))
    write_text(run.labels, "".join(f"{label}\n" for label in labels))
    say(
        f"training data: {len(rows):,} texts, {texts.blank:,} lines without text skipped, "
        f"{cut:,} truncated to {data.max_tokens} tokens"
    )
    return {"texts": len(rows), "blank": texts.blank, "cut": cut}


def _tokenizer(run: RunDir, config: ClassificationConfig, texts: list[str]) -> Tokenizer:
    data = config.data
    if config.train.init_from or run.has_weights:
        return load_tokenizer(run.tokenizer_file)
    if data.tokenizer == "characters":
        folded = (text.casefold() if data.lowercase else text for text in texts)
        write_character_tokenizer(folded, run.tokenizer_file, max_size=data.vocab_size)
    else:
        files = list(label_files(data.train).values())
        train_piece_model(files, run.tokenizer_file, data, normalization=data.normalization)
    return load_tokenizer(run.tokenizer_file)
