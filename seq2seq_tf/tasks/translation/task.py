"""Translation as a task: from raw parallel files to batches, model and held-out scores.

Data are prepared once and kept in the run folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from seq2seq_tf.data.batching import pad_batch, plan_epoch, round_up
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text
from seq2seq_tf.inspection.attention import attention_png
from seq2seq_tf.inspection.gradient_watch import SEQUENCES, STEPS, GradientWatch
from seq2seq_tf.structures import Batch
from seq2seq_tf.tasks.translation.config import TranslationConfig, TranslationSearchConfig
from seq2seq_tf.tasks.translation.corpus import Corpus, iter_batches, load_corpus, prepare_corpus
from seq2seq_tf.tasks.translation.metrics import bleu, check_tokenizer, chrf, tokenizer_for
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.recording import pair_batch, reference_copy
from seq2seq_tf.tasks.translation.translator import Translator
from seq2seq_tf.text.lengths import length_ratio
from seq2seq_tf.text.lines import iter_pairs, same_lines
from seq2seq_tf.text.scripts import is_visible
from seq2seq_tf.text.sentencepiece import PieceText, SentencePieceTokenizer, train_piece_models
from seq2seq_tf.training.init_from import take_over_tokenizers
from seq2seq_tf.training.prepared import Texts, check_prepared, seal_prepared
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.task import EpochPlan, GradientCurves, SeparateSequences
from seq2seq_tf.training.tokenizers import has_bound_tokenizers

_SHOWN_SENTENCES = 3
_EXAMPLES = 200  # held-out sentences kept in the run folder
_TRAINING = ("data.train_source", "data.train_target")
_HELD_OUT = ("data.valid_source", "data.valid_target")


class TranslationTask(SeparateSequences):
    """See `training.task.Task`.

    Args:
      config: of the run.
      models: tokenizers of source and target.
      train: corpora, one per sampled segmentation; epoch e reads corpus e modulo their number.
      valid_texts: held-out pairs of sentences.
      model: built.
    """

    batch_spec = Batch(*(tf.TensorSpec([None, None], tf.int32),) * 3)

    def __init__(
        self,
        config: TranslationConfig,
        models: tuple[SentencePieceTokenizer, SentencePieceTokenizer],
        train: list[Corpus],
        valid_texts: list[tuple[str, str]],
        model: Translation,
    ) -> None:
        self.config = config
        self.source, self.target = models
        self.train = train
        self.valid_texts = valid_texts
        self.model = model
        self.translator = Translator(model, self.source, self.target, config)
        tokenizer = config.train.bleu_tokenizer
        self.tokenizer = "13a" if tokenizer == "auto" else tokenizer  # auto: a run older than this option
        self._watch: GradientWatch | None = None

    def _corpus(self, epoch: int) -> Corpus:
        return self.train[epoch % len(self.train)]

    def plan(self, epoch: int) -> EpochPlan:
        """Returns the batches of an epoch: arrays of pair numbers."""
        corpus, train = self._corpus(epoch), self.config.train
        lengths = corpus.source.lengths() + 1, corpus.target.lengths() + 1
        padded = tuple(round_up(side, train.length_multiple) for side in lengths)
        plan = plan_epoch(
            *padded,
            batch_tokens=train.batch_tokens,
            pool_pairs=train.pool_pairs,
            seed=train.seed,
            epoch=epoch,
        )
        real = sum(int(side.sum()) for side in lengths) / sum(int(side.sum()) for side in padded)
        return EpochPlan(plan.batches, plan.padding + (1.0 - plan.padding) * (1.0 - real))

    def load(self, epoch: int, batches: Sequence[np.ndarray]) -> Iterator[Batch]:
        """Yields padded batches."""
        train = self.config.train
        loaded = iter_batches(self._corpus(epoch), batches)
        if train.length_multiple == 1 and not train.jit_compile:
            return loaded
        full_at = train.batch_tokens if train.jit_compile else 0  # XLA compiles every new shape
        return (pad_batch(batch, multiple=train.length_multiple, full_at=full_at) for batch in loaded)

    def describe(self, batches: Sequence[np.ndarray]) -> str:
        """Returns the numbers of the first pairs of the batches."""
        return f"training pairs {', '.join(str(int(n) + 1) for n in np.concatenate(batches)[:5])}, ..."

    def validate(self) -> dict[str, float]:
        """Returns the loss of the references and the scores of greedy translations of the held-out sources."""
        sources, references = [s for s, _ in self.valid_texts], [t for _, t in self.valid_texts]
        scores = self._scores(dataclasses.replace(self.config.search, beam_size=1))
        log_probs = np.asarray(self.translator.score(sources, references))
        tokens = sum(len(ids) + 1 for ids in self.target.encode(references))
        return {"loss": float(-log_probs.sum() / tokens), **scores}  # nats per target piece, without label smoothing

    def search_scores(self) -> dict[str, float]:
        """Returns the scores with the run's own beam, to compare with the greedy ones; see `HasSearch`."""
        search = self.config.search
        if search.beam_size == 1:
            return {}
        return {f"beam_{name}": score for name, score in self._scores(search).items()}

    def _scores(self, search: TranslationSearchConfig) -> dict[str, float]:
        """Returns the scores of translations of the held-out sources, each line as a whole, without a shortlist."""
        sources, references = [s for s, _ in self.valid_texts], [t for _, t in self.valid_texts]
        search = dataclasses.replace(search, n_best=1, shortlist=0, split_sentences=False)
        translations = [row[0].text for row in self.translator.translate_all(sources, search)]
        lowercase = self.config.data.lowercase
        return {
            "bleu": bleu(translations, references, lowercase=lowercase, tokenize=self.tokenizer).value,
            "chrf": chrf(translations, references, lowercase=lowercase).value,
            "length_ratio": length_ratio(translations, references),
        }

    def pictures(self) -> dict[str, bytes]:
        """Returns attention maps of a few held-out sentences, as PNG by name."""
        if self.config.model.attention == "none":
            return {}
        shown = [source for source, _ in self.valid_texts[:_SHOWN_SENTENCES]]
        search = self.translator.search_options(beam_size=1, n_best=1, shortlist=0, split_sentences=False)
        rows = self.translator.translate_all(shown, search, attention=True)
        return {f"attention/{n}": attention_png(row[0]) for n, row in enumerate(rows) if row[0].attention.size}

    def complete(self, run: RunDir, say: Callable[[str], None]) -> None:
        """Writes the likeliest translations of each piece, which search.shortlist needs; see `LeavesMore`."""
        if os.path.exists(run.lexicon):
            return
        try:
            self.translator.learnt_from(self.train[0]).save(run.lexicon)
        except MemoryError:  # no reason to lose the weights
            say(f"warning: not enough memory to learn {run.lexicon}; it will be learnt when a shortlist is requested")

    def gradient_curves(self) -> GradientCurves:
        """Returns the curves of the gradient flow on held-out pairs; see `HasGradientCurves`."""
        if self._watch is None:
            texts = [list(side) for side in zip(*self.valid_texts, strict=True)]
            pairs = zip(self.source.encode(texts[0]), self.target.encode(texts[1]), strict=True)
            batch = pair_batch(list(pairs), SEQUENCES, STEPS)
            self._watch = GradientWatch(self.model, lambda: reference_copy(self.model), batch)
        return self._watch.look()


def prepare(run: RunDir, config: TranslationConfig, say: Callable[[str], None]) -> TranslationTask:
    """Trains piece models and tokenizes the corpus, unless the run folder contains the results, and builds the model.

    Raises:
      InputError: unsuitable options, or missing or faulty files (the message names file and line).
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
        raise InputError(f"{data.valid_source}: empty; held-out sentences are needed to choose the best checkpoint")
    if not os.path.exists(run.prepared):
        _refuse_equal_sides(config)
    _keep_examples(run, [source for source, _ in valid_texts])
    texts = {name: [getattr(data, name.removeprefix("data."))] for name in (*_TRAINING, *_HELD_OUT)}
    check_prepared(run, texts, _HELD_OUT, say)
    config = _with_tokenizer(run, config, [target for _, target in valid_texts], say)
    _piece_models(run, config, say)
    source, target = SentencePieceTokenizer(run.source_model), SentencePieceTokenizer(run.target_model)
    corpora = _corpora(run, config, (source, target), texts, say)
    valid_texts = _with_text(valid_texts, (source, target), data.valid_source, say)
    keras.utils.set_random_seed(config.train.seed)
    model = Translation(
        config.model,
        source.vocab_size,
        target.vocab_size,
        precision=config.train.precision,
        smoothing=config.train.label_smoothing,
    )
    model.build()
    count = sum(int(v.value.shape.num_elements()) for v in model.trainable_variables)
    say(f"model: {count:,} parameters, {source.vocab_size:,} source and {target.vocab_size:,} target pieces")
    return TranslationTask(config, (source, target), corpora, valid_texts, model)


def _with_text(
    pairs: list[tuple[str, str]],
    models: tuple[SentencePieceTokenizer, SentencePieceTokenizer],
    path: str,
    say: Callable[[str], None],
) -> list[tuple[str, str]]:
    """Returns the held-out pairs that have pieces on both sides; reports the number of the others.

    Raises:
      InputError: none is left.
    """
    sides = [model.encode(list(texts)) for model, texts in zip(models, zip(*pairs, strict=True), strict=True)]
    kept = [pair for pair, source, target in zip(pairs, *sides, strict=True) if source and target]
    if not kept:
        raise InputError(f"{path}: no pair has text on both sides, to choose the best checkpoint")
    if len(kept) < len(pairs):
        say(f"held-out text: {len(pairs) - len(kept):,} of {len(pairs):,} pairs with an empty side skipped")
    return kept


def _with_tokenizer(
    run: RunDir, config: TranslationConfig, references: list[str], say: Callable[[str], None]
) -> TranslationConfig:
    """Returns the configuration with BLEU's tokenizer chosen for the target text, and stores it.

    A run that is older than the option keeps `auto`.

    Raises:
      InputError: the tokenizer is not installed.
    """
    train = config.train
    begun = os.path.exists(run.prepared) or run.has_weights
    if train.bleu_tokenizer == "auto" and not begun:
        train = dataclasses.replace(train, bleu_tokenizer=tokenizer_for(references))
        config = dataclasses.replace(config, train=train)
        run.store(config)
    if train.bleu_tokenizer != "auto":
        try:
            check_tokenizer(train.bleu_tokenizer)
        except InputError as error:
            raise InputError(f"train.bleu_tokenizer: {error}") from None
        say(f"BLEU of the held-out text uses sacreBLEU's tokenizer {train.bleu_tokenizer}")
    return config


def _refuse_equal_sides(config: TranslationConfig) -> None:
    for part in ("train", "valid"):
        source, target = (getattr(config.data, f"{part}_{side}") for side in ("source", "target"))
        if same_lines(source, target):
            raise InputError(
                f"data.{part}_source and data.{part}_target contain the same lines ({source}, {target}); "
                "run seq2seq-data doctor to locate such faults in a corpus"
            )


def _keep_examples(run: RunDir, sources: list[str]) -> None:
    """Writes some held-out sentences into the run folder, so that the run can be exported on any computer."""
    if not (run.begun and os.path.exists(run.examples)):  # a failed attempt may have used other files
        kept = itertools.islice(filter(is_visible, sources), _EXAMPLES)
        write_text(run.examples, "".join(f"{text}\n" for text in kept))


def _piece_models(run: RunDir, config: TranslationConfig, say: Callable[[str], None]) -> None:
    data = config.data
    if take_over_tokenizers(run, config, say) or has_bound_tokenizers(run, config):
        return
    if not os.path.exists(run.prepared):  # train again: the text may have been corrected after a failed attempt
        for path in (run.source_model, run.target_model):
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
    source = PieceText((data.train_source,), data.source_normalization, run.source_model)
    target = PieceText((data.train_target,), data.target_normalization, run.target_model)
    missing = [text for text in (source, target) if not os.path.exists(text.model_path)]
    if not missing:
        return
    say(f"training the {data.piece_model} model with {data.vocab_size:,} pieces ...")
    if data.joint_vocab:
        train_piece_models([source, target], data)
        return
    for text in missing:
        train_piece_models([text], data)


def _corpora(
    run: RunDir,
    config: TranslationConfig,
    models: tuple[SentencePieceTokenizer, SentencePieceTokenizer],
    texts: Texts,
    say: Callable[[str], None],
) -> list[Corpus]:
    """Returns the tokenized training pairs, one corpus per sampled segmentation; tokenizes them if necessary."""
    data = config.data
    prefixes = [os.path.join(run.data, f"train.{n}") for n in range(data.segmentations)]
    if not os.path.exists(run.prepared):
        say("tokenizing the training pairs ...")
        counts = []
        for n, prefix in enumerate(prefixes):
            sample_seed = -1 if data.segmentations == 1 else config.train.seed * 1000 + n
            files = (data.train_source, data.train_target)
            prepared = prepare_corpus(files, models, data, prefix, sample_seed=sample_seed)
            counts.append(prepared._asdict())
            if n == 0:
                say(f"training data: {prepared}")
                for name, changed in (("source", prepared.source), ("target", prepared.target)):
                    rule = getattr(data, f"{name}_normalization")
                    say(f"not restored exactly by the {name} pieces (data.{name}_normalization={rule}): {changed}")
        seal_prepared(run, counts, texts)
    return [load_corpus(prefix) for prefix in prefixes]
