"""Image captioning as a task: scenes drawn when needed, model and held-out scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq_tf.data.batching import pad_rows
from seq2seq_tf.files import write_text
from seq2seq_tf.inspection.image_attention import image_attention_png
from seq2seq_tf.structures import BOS_ID, EOS_ID
from seq2seq_tf.tasks.captioning.captioner import Captioner, build_model
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.captioning.grammar import all_words, score_captions
from seq2seq_tf.tasks.captioning.model import CaptionBatch, Captioning
from seq2seq_tf.tasks.captioning.scenes import Scene, SceneMaker
from seq2seq_tf.text.lengths import length_ratio
from seq2seq_tf.text.words import WordTokenizer, write_word_tokenizer
from seq2seq_tf.training.init_from import take_over_tokenizers
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.task import EpochPlan, SeparateSequences
from seq2seq_tf.training.tokenizers import has_bound_tokenizers

_SHOWN_SCENES = 3


class CaptioningTask(SeparateSequences):
    """Implements `training.task.Task`.

    Args:
      config: options of the run.
      words: tokenizer of the captions.
      train: maker of the training scenes.
      valid: maker of the held-out scenes.
      model: already built.
    """

    def __init__(
        self, config: CaptioningConfig, words: WordTokenizer, train: SceneMaker, valid: SceneMaker, model: Captioning
    ) -> None:
        self.config = config
        self.words = words
        self.train = train
        self.model = model
        self.captioner = Captioner(model, words, config)
        size = config.data.image_size
        ids = tf.TensorSpec([None, None], tf.int32)
        self.batch_spec = CaptionBatch(tf.TensorSpec([None, size, size], tf.uint8), ids, ids)
        self._valid = valid.scenes(config.data.valid_scenes)
        self._valid_images = valid.draw(self._valid)
        self._planned: tuple[int, EpochPlan] | None = None  # the last plan is kept, as making one takes a second or two

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the batches of an epoch: new scenes, each a function of (seed, epoch, number of the scene)."""
        if self._planned is None or self._planned[0] != epoch:
            data, train = self.config.data, self.config.train
            scenes = [self.train.scene(train.seed, epoch, number) for number in range(data.train_scenes)]
            batches = [scenes[at : at + train.batch_size] for at in range(0, len(scenes), train.batch_size)]
            self._planned = epoch, EpochPlan(batches, _padding(batches))
        return self._planned[1]

    def load(self, epoch: int, batches: Sequence[Sequence[Scene]]) -> Iterator[CaptionBatch]:
        """Yields drawn and padded batches."""
        del epoch  # a scene contains its key
        for scenes in batches:
            ids = self.words.encode([scene.caption for scene in scenes])
            yield CaptionBatch(self.train.draw(scenes), pad_rows(ids, first=BOS_ID), pad_rows(ids, last=EOS_ID))

    def describe(self, batches: Sequence[Sequence[Scene]]) -> str:
        """Returns the numbers and captions of the first scenes of the batches."""
        shown = [f"{scene.key[-1]} ({scene.caption})" for scenes in batches for scene in scenes][:3]
        return f"training scenes {', '.join(shown)}, ..."

    def validate(self) -> dict[str, float]:
        """Describes the held-out scenes greedily and scores their captions."""
        references = [scene.caption for scene in self._valid]
        log_probs = self.captioner.score(self._valid_images, references)
        return {
            "loss": -float(np.sum(log_probs)) / sum(len(ids) + 1 for ids in self.words.encode(references)),
            **self._scores(beam_size=1),
        }

    def search_scores(self) -> dict[str, float]:
        """Returns the scores with the run's beam size, for comparison with the greedy ones; see `HasSearch`."""
        beam_size = self.config.search.beam_size
        found = self._scores(beam_size=beam_size) if beam_size > 1 else {}
        return {f"beam_{name}": score for name, score in found.items()}

    def _scores(self, beam_size: int) -> dict[str, float]:
        references = [scene.caption for scene in self._valid]
        search = self.captioner.search_options(beam_size=beam_size, n_best=1)
        captions = [row[0].text for row in self.captioner.describe_all(self._valid_images, search)]
        scores = score_captions(captions, references)
        return {
            "exact_match": scores.exact.share,
            "digit_names": scores.digit_names.share,
            "layouts": scores.layouts.share,
            "length_ratio": length_ratio(captions, references),
        }

    def pictures(self) -> dict[str, bytes]:
        """Returns pictures of the attention over a few held-out scenes."""
        if self.config.model.attention == "none":
            return {}
        images = self._valid_images[:_SHOWN_SCENES]
        search = self.captioner.search_options(beam_size=1, n_best=1)
        rows = self.captioner.describe_all(images, search, attention=True)
        return {f"attention/{n}": image_attention_png(images[n], row[0]) for n, row in enumerate(rows)}


def prepare(run: RunDir, config: CaptioningConfig, say: Callable[[str], None]) -> CaptioningTask:
    """Writes the words of the captions to the run folder and builds the model.

    Raises:
      InputError: scikit-learn is missing, or the folder cannot be written.
    """
    train, valid = (SceneMaker(split, config.data) for split in ("train", "valid"))
    if not (take_over_tokenizers(run, config, say) or has_bound_tokenizers(run, config)):
        write_word_tokenizer(all_words(), run.labels)
    words = WordTokenizer(run.labels)
    images = {maker.split: len(maker.images.names) for maker in (train, valid)}
    write_text(run.prepared, json.dumps({"images": images, "words": len(words.words)}))
    keras.utils.set_random_seed(config.train.seed)
    model = build_model(config, words)
    count = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    say(f"digits: {images['train']:,} images for training scenes, {images['valid']:,} different ones for validation")
    say(f"model: {count:,} parameters, {words.vocab_size} words, a grid of {model.encoder.side} x {model.encoder.side}")
    return CaptioningTask(config, words, train, valid, model)


def _padding(batches: Sequence[Sequence[Any]]) -> float:
    """Returns the share of padding among all words."""
    lengths = [[len(scene.caption.split()) + 1 for scene in scenes] for scenes in batches]
    padded = sum(len(rows) * max(rows) for rows in lengths)
    return 1.0 - sum(map(sum, lengths)) / max(padded, 1)
