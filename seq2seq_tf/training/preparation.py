"""From raw files and a configuration to everything a training needs; done once, kept in the run folder."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from typing import NamedTuple

import keras

from seq2seq_tf.config import Config
from seq2seq_tf.data.corpus import Corpus, load_corpus, prepare_corpus
from seq2seq_tf.data.pairs import iter_pairs
from seq2seq_tf.errors import InputError
from seq2seq_tf.models.translation import Translation
from seq2seq_tf.text.sentencepiece import PieceModel, train_piece_model
from seq2seq_tf.training.run_dir import RunDir, write_text


class Setup(NamedTuple):
    """What a training run works with."""

    source: PieceModel
    target: PieceModel
    train: list[Corpus]  # one per sampled segmentation; epoch e reads number e modulo their count
    valid_texts: list[tuple[str, str]]
    model: Translation


def prepare(run: RunDir, config: Config, say: Callable[[str], None]) -> Setup:
    """Trains piece models, cuts the corpus and builds the model, or finds all that in the run folder.

    Raises:
      InputError: missing or broken files, named with the line.
    """
    data = config.data
    if not data.train_source or not data.train_target:
        raise InputError("data.train_source and data.train_target must name the training files")
    if not data.valid_source or not data.valid_target:
        raise InputError("data.valid_source and data.valid_target must name the held-out files")
    for path in (data.train_source, data.train_target, data.valid_source, data.valid_target):
        if not os.path.isfile(path):
            raise InputError(f"{path}: no such file")
    valid_texts = list(iter_pairs(data.valid_source, data.valid_target))
    if not valid_texts:
        raise InputError(f"{data.valid_source}: empty; held-out sentences choose the best checkpoint")
    _piece_models(run, config, say)
    source, target = PieceModel(run.source_model), PieceModel(run.target_model)
    corpora = _corpora(run, config, (source, target), say)
    keras.utils.set_random_seed(config.train.seed)
    model = Translation(config.model, source.vocab_size, target.vocab_size, precision=config.train.precision)
    model.build()
    count = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    say(f"model: {count:,} parameters, {source.vocab_size:,} source and {target.vocab_size:,} target pieces")
    return Setup(source, target, corpora, valid_texts, model)


def _piece_models(run: RunDir, config: Config, say: Callable[[str], None]) -> None:
    data = config.data
    if not os.path.exists(run.prepared):  # made anew: the text may have been mended since a first attempt failed
        for path in (run.source_model, run.target_model):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
    if not os.path.exists(run.source_model):
        say(f"training the {data.piece_model} model with {data.vocab_size:,} pieces ...")
        files = [data.train_source, data.train_target] if data.joint_vocab else [data.train_source]
        train_piece_model(files, run.source_model, data)
    if not os.path.exists(run.target_model):
        if data.joint_vocab:
            shutil.copyfile(run.source_model, run.target_model + ".tmp")
            os.replace(run.target_model + ".tmp", run.target_model)
        else:
            train_piece_model([data.train_target], run.target_model, data)


def _corpora(
    run: RunDir, config: Config, models: tuple[PieceModel, PieceModel], say: Callable[[str], None]
) -> list[Corpus]:
    """Cuts the training pairs into pieces, once per sampled segmentation."""
    data = config.data
    prefixes = [os.path.join(run.data, f"train.{n}") for n in range(data.segmentations)]
    if not os.path.exists(run.prepared):
        say("cutting the training pairs into pieces ...")
        counts = []
        for n, prefix in enumerate(prefixes):
            sample_seed = -1 if data.segmentations == 1 else config.train.seed * 1000 + n
            files = (data.train_source, data.train_target)
            prepared = prepare_corpus(files, models, data, prefix, sample_seed=sample_seed)
            counts.append(prepared._asdict())
            if n == 0:
                say(f"training data: {prepared}")
        write_text(run.prepared, json.dumps(counts))
    return [load_corpus(prefix) for prefix in prefixes]
