"""Tagging as a task: from plain text to batches of pieces with labels, model and held-out scores.

The data are prepared once and kept in the run folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from seq2seq_tf.data.batching import pad_rows, plan_epoch
from seq2seq_tf.data.labelled import LabelledIds, Spans, load_ids, save_ids
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.tagging.casing import LABELS, Word, WordForms, bare, label_of, word_forms
from seq2seq_tf.tasks.tagging.config import TaggingConfig
from seq2seq_tf.tasks.tagging.data import NO_LABEL, draw_paragraphs, join_lines, paragraph_spans, read_words, tag_lines
from seq2seq_tf.tasks.tagging.metrics import case_and_mark_scores
from seq2seq_tf.tasks.tagging.model import TaggedBatch, Tagging
from seq2seq_tf.tasks.tagging.punctuation_restorer import PunctuationRestorer, forms_file, load_forms
from seq2seq_tf.text.sentencepiece import train_piece_model
from seq2seq_tf.text.tokenizer import load_tokenizer
from seq2seq_tf.training.init_from import take_over_tokenizers
from seq2seq_tf.training.prepared import check_prepared, seal_prepared
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.task import EpochPlan, SeparateSequences
from seq2seq_tf.training.tokenizers import has_bound_tokenizers

_NUMBERS = {label: n for n, label in enumerate(LABELS)}


class TaggingTask(SeparateSequences):
    """Implements `training.task.Task`.

    Args:
      restorer: model (already built), tokenizer, word forms and configuration.
      train: pieces and labels of the training lines.
      valid: words of the held-out paragraphs.
    """

    batch_spec = TaggedBatch(*(tf.TensorSpec([None, None], tf.int32),) * 2)

    def __init__(self, restorer: PunctuationRestorer, train: LabelledIds, valid: Sequence[Sequence[Word]]) -> None:
        self.restorer = restorer
        self.config = restorer.config
        self.model = restorer.model
        self.train = train
        self._words = [[word.core.lower() for word in words] for words in valid]
        self._truth = [label_of(word) for words in valid for word in words]

    def _spans(self, epoch: int) -> Spans:
        data = self.config.data
        lines = len(self.train.offsets) - 1
        bounds = draw_paragraphs(lines, max_lines=data.max_lines, seed=self.config.train.seed, epoch=epoch)
        return paragraph_spans(self.train.offsets, bounds, data.max_pieces)

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the batches of an epoch: arrays of indices of paragraphs."""
        train = self.config.train
        lengths = self._spans(epoch).length + 1  # with EOS
        plan = plan_epoch(
            lengths,
            lengths,
            batch_tokens=train.batch_tokens,
            pool_pairs=train.pool_paragraphs,
            seed=train.seed,
            epoch=epoch,
        )
        return EpochPlan(plan.batches, plan.padding)

    def load(self, epoch: int, batches: Sequence[np.ndarray]) -> Iterator[TaggedBatch]:
        """Yields padded batches."""
        spans = self._spans(epoch)
        for chosen in batches:
            places = [slice(spans.start[n], spans.start[n] + spans.length[n]) for n in chosen]
            tokens = pad_rows([self.train.ids[place] for place in places], last=EOS_ID)
            yield TaggedBatch(tokens, pad_rows([self.train.labels[place] for place in places], last=NO_LABEL))

    def describe(self, batches: Sequence[np.ndarray]) -> str:
        """Returns the numbers of the first paragraphs of the batches."""
        return f"training paragraphs {', '.join(str(int(n) + 1) for n in np.concatenate(batches)[:5])}, ..."

    def validate(self) -> dict[str, float]:
        """Returns loss and F1 scores on the words of the held-out paragraphs."""
        log_probs = self.restorer.log_probs(self._words)
        predicted = [label for row in self.restorer.labels(self._words, log_probs) for label in row]
        scores = case_and_mark_scores(self._truth, predicted)
        numbers = np.array([_NUMBERS[label] for label in self._truth])[:, np.newaxis]
        return {
            "loss": float(-np.take_along_axis(np.concatenate(log_probs), numbers, 1).mean()),  # nats per word
            "f1": (scores.case.f1 + scores.mark.f1) / 2,
            "case_f1": scores.case.f1,
            "punctuation_f1": scores.mark.f1,
        }


def prepare(run: RunDir, config: TaggingConfig, say: Callable[[str], None]) -> TaggingTask:
    """Makes the piece model, labels and ids, unless the run folder already has them, and builds the model.

    Raises:
      InputError: files are missing or broken (named with the line), or have no words.
    """
    data, train = config.data, config.train
    if not data.train or not data.valid:
        raise InputError("data.train and data.valid must name text files")
    valid = join_lines(read_words(data.valid), max_lines=data.max_lines, seed=train.seed)
    texts = {"data.train": [data.train], "data.valid": [data.valid]}
    check_prepared(run, texts, ["data.valid"], say)
    if not os.path.exists(run.prepared):
        seal_prepared(run, _prepare_text(run, config, say), texts)
    tokenizer = load_tokenizer(run.tokenizer_file)
    keras.utils.set_random_seed(train.seed)
    model = Tagging(
        config.model, tokenizer.vocab_size, len(LABELS), precision=train.precision, smoothing=train.label_smoothing
    )
    model.build()
    count = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    say(f"model: {count:,} parameters, {tokenizer.vocab_size:,} pieces, {len(LABELS)} labels of case and punctuation")
    return TaggingTask(
        PunctuationRestorer(model, tokenizer, load_forms(run), config), load_ids(os.path.join(run.data, "train")), valid
    )


def _write_forms(run: RunDir, config: TaggingConfig, lines: Sequence[Sequence[Word]]) -> WordForms:
    """Writes the labels and the word forms of the text; returns the forms."""
    forms = word_forms(word for line in lines for word in line)
    if config.train.init_from:  # the words of the base run stay known
        known = load_forms(RunDir(config.train.init_from))
        forms = WordForms({**known.mixed, **forms.mixed}, {**known.usual, **forms.usual})
    write_text(forms_file(run), json.dumps(forms._asdict(), ensure_ascii=False))
    write_text(run.labels, "".join(f"{label}\n" for label in LABELS))
    return forms


def _prepare_text(run: RunDir, config: TaggingConfig, say: Callable[[str], None]) -> dict[str, int]:
    """Writes piece model, labels, word forms and ids; returns counts."""
    data = config.data
    lines = read_words(data.train)
    words = os.path.join(run.data, "words.txt")
    write_text(words, "".join(f"{bare(line)}\n" for line in lines))
    bound = has_bound_tokenizers(run, config)
    if not (take_over_tokenizers(run, config, say) or bound):
        say(f"training the {data.piece_model} model with {data.vocab_size:,} pieces ...")
        train_piece_model([words], run.tokenizer_file, data, normalization=data.normalization)
    save_ids(os.path.join(run.data, "train"), tag_lines(lines, load_tokenizer(run.tokenizer_file)))
    forms = load_forms(run) if bound else _write_forms(run, config, lines)
    count = sum(map(len, lines))
    say(
        f"training data: {len(lines):,} lines with {count:,} words, {len(forms.usual):,} different, "
        f"{len(forms.mixed):,} of them with a form of mixed case"
    )
    return {"lines": len(lines), "words": count}
