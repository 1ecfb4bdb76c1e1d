"""Translates strings with a trained run: the Python API on which every program is built."""

from __future__ import annotations

import contextlib
import functools
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import tensorflow as tf

from seq2seq_tf.config.search import with_search
from seq2seq_tf.data.batching import for_each_batch, make_batch, pad_rows, token_batches
from seq2seq_tf.errors import InputError
from seq2seq_tf.forks import check_not_forked
from seq2seq_tf.nn.output import SearchWeights
from seq2seq_tf.search.decode import METHODS, method_of
from seq2seq_tf.search.options import specs_of, values_of
from seq2seq_tf.structures import EOS_ID, Batch, Hypotheses
from seq2seq_tf.tasks.translation.config import TranslationConfig, TranslationSearchConfig
from seq2seq_tf.tasks.translation.corpus import Corpus, load_corpus
from seq2seq_tf.tasks.translation.hypotheses import Hypothesis, empty, join
from seq2seq_tf.tasks.translation.lexicon import Lexicon, learn_lexicon, load_lexicon
from seq2seq_tf.tasks.translation.model import Translation
from seq2seq_tf.tasks.translation.search import TranslationOptions, search_ids
from seq2seq_tf.text.given import check_texts
from seq2seq_tf.text.sentencepiece import SentencePieceTokenizer
from seq2seq_tf.text.sentences import split_paragraph
from seq2seq_tf.tracing import trace
from seq2seq_tf.training.prepared import check_data
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import IN_TRAINING, load_weights

_IDS = tf.TensorSpec([None, None], tf.int32)
_CANDIDATES = tf.TensorSpec([None], tf.int32)
_MAX_SCORED = 2**26  # attention scores of a pair, source times target pieces if recurrent: 256 MB
_MAX_FOLDED = 2**28  # bytes of a table that trades memory for a product per step


class Translator:
    """Model, piece models and the traced search of one run.

    One instance traces each function once; calls of any batch size reuse it.

    Args:
      model: with the weights of the run.
      source: the piece model of the sources.
      target: the piece model of the targets.
      config: of the run.
      run: the run folder, if the weights are final; they are then cast and folded once, here.
    """

    def __init__(
        self,
        model: Translation,
        source: SentencePieceTokenizer,
        target: SentencePieceTokenizer,
        config: TranslationConfig,
        run: RunDir | None = None,
    ) -> None:
        self.model = model
        self.source = source
        self.target = target
        self.config = config
        self.weights = IN_TRAINING
        self._run = run
        self._lexicon: Lexicon | None = None
        self._weights: SearchWeights | None = None
        if run is not None:
            gates = 4 * config.model.decoder_units * 4  # bytes per piece, of an LSTM
            self._weights = model.search_weights(fold=target.vocab_size * gates <= _MAX_FOLDED)
        # Options that change the graph have separate traces, made on first use; all others are tensors.
        inputs = [_IDS, TranslationOptions.by_name(specs_of(config.search))]
        self.searches = {
            (method, short): trace(functools.partial(self._search, method), [*inputs, _CANDIDATES] if short else inputs)
            for method in METHODS
            for short in (False, True)
        }
        self.score_ids = trace(self._score, [_IDS, _IDS, _IDS])

    def __repr__(self) -> str:
        """Returns the run folder, which weights are loaded, and the kind and size of the network."""
        parameters = sum(int(v.value.shape.num_elements()) for v in self.model.trainable_variables)
        where = repr(self._run.path) if self._run else "no run folder"
        return (
            f"<Translator of {where} ({self.weights.label}): "
            f"{self.config.model.network}, {parameters:,} parameters, "
            f"{self.source.vocab_size:,} source and {self.target.vocab_size:,} target pieces>"
        )

    @classmethod
    def load(cls, model_dir: str) -> Translator:
        """Loads a run folder: its final weights, or the best so far if training has not finished.

        Raises:
          InputError: not a run folder, no weights yet, weights that are damaged or of another model, or a process
            forked after a run was loaded.
        """
        check_not_forked()
        run = RunDir(model_dir)
        config = run.load_config(TranslationConfig)
        source, target = SentencePieceTokenizer(run.source_model), SentencePieceTokenizer(run.target_model)
        model = Translation(config.model, source.vocab_size, target.vocab_size, precision=config.train.precision)
        model.build()
        weights = load_weights(run, model)
        loaded = cls(model, source, target, config, run)
        loaded.weights = weights
        return loaded

    def _search(
        self, method: str, source: tf.Tensor, options: TranslationOptions, candidates: tf.Tensor | None = None
    ) -> Hypotheses:
        return search_ids(self.model, source, options, weights=self._weights, candidates=candidates, method=method)

    def _score(self, source: tf.Tensor, target_in: tf.Tensor, target_out: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.model.score(Batch(source, target_in, target_out))

    def search_ids(self, source: np.ndarray, search: TranslationSearchConfig) -> Hypotheses:
        """Translates padded source ids [B, S] whose rows end with EOS; greedy if search.beam_size is 1."""
        short = [self.lexicon().candidates(source, search.shortlist)] if search.shortlist else []
        traced = self.searches[method_of(search.beam_size), bool(short)]
        return traced(source, TranslationOptions.by_name(values_of(search)), *short)

    def lexicon(self) -> Lexicon:
        """Returns the likeliest translations of each piece, learnt at the end of training or, if missing, now.

        Raises:
          InputError: the lexicon is damaged, or it is missing and the training pairs are gone or damaged.
        """
        if self._lexicon is None:
            if self._run is None:
                raise InputError("search.shortlist needs a run folder with its training pairs")
            path = self._run.lexicon
            if os.path.exists(path):
                self._lexicon = load_lexicon(path)
            elif not os.path.exists(self._run.prepared):
                raise InputError(
                    f"{path}: no such file, and the training pairs in {self._run.data}, from which it would be learnt, "
                    "are missing; search without a shortlist"
                )
            else:
                check_data(self._run)
                self._lexicon = self.learnt_from(load_corpus(os.path.join(self._run.data, "train.0")))
                # While the run is being trained, or if it is read-only, the lexicon is learnt each time.
                with contextlib.suppress(InputError), self._run.lock:
                    self._lexicon.save(path)
        return self._lexicon

    def learnt_from(self, corpus: Corpus) -> Lexicon:
        """Learns the likeliest translations of each piece, in seconds, or in a minute from a large corpus."""
        sizes = (self.source.vocab_size, self.target.vocab_size)
        return learn_lexicon(corpus, *sizes, joint=self.config.data.joint_vocab)

    @overload
    def translate(self, texts: str, *, attention: bool = ..., **options: float) -> Hypothesis | Any: ...

    @overload
    def translate(self, texts: Iterable[str], *, attention: bool = ..., **options: float) -> list[Hypothesis] | Any: ...

    def translate(self, texts: str | Iterable[str], *, attention: bool = False, **options: float) -> Any:
        """Translates a text, or a list of texts.

        A text of several sentences is translated sentence by sentence, unless split_sentences is off.

        Args:
          texts: a string gives one result; an iterable of strings (a list, array or generator) gives a list in the
            same order. An empty text gives an empty translation.
          attention: also return attention weights (one more pass over the results).
          **options: fields of TranslationSearchConfig (beam_size, length_penalty, n_best, max_ratio,
            split_sentences, ...); the run's configuration gives the defaults.

        Returns:
          A Hypothesis per text; with n_best above 1, a list of Hypotheses per text, best first.

        Raises:
          InputError: unknown option, value out of range, an item that is not a text, or a process forked after a run
            was loaded.
        """
        if isinstance(texts, str):
            return self.translate([texts], attention=attention, **options)[0]
        search = self.search_options(**options)
        results = self.translate_all(texts, search, attention=attention)
        return [row[0] for row in results] if search.n_best == 1 else results

    def search_options(self, **options: float) -> TranslationSearchConfig:
        """Returns the run's search options with some replaced, checked as in a configuration file."""
        return with_search(self.config.search, options)

    def translate_all(
        self, texts: Iterable[str], search: TranslationSearchConfig, *, attention: bool = False
    ) -> list[list[Hypothesis]]:
        """Translates texts like `translate`, but always returns a list of hypotheses per text."""
        texts = check_texts(texts)
        split = {n: split_paragraph(text) for n, text in enumerate(texts)} if search.split_sentences else {}
        split = {n: paragraph for n, paragraph in split.items() if len(paragraph.sentences) > 1}
        if not split:
            return self._translate_whole(texts, search, attention)
        # A text of one sentence is passed on unchanged.
        parts = [(n, part) for n, text in enumerate(texts) for part in (split[n].sentences if n in split else [text])]
        names = [f"text {n + 1}" for n, _ in parts]
        rows: list[list[list[Hypothesis]]] = [[] for _ in texts]
        found = self._translate_whole([part for _, part in parts], search, attention, names)
        for (n, _), row in zip(parts, found, strict=True):
            rows[n].append(row)
        return [join(row, split[n], search.n_best) if n in split else row[0] for n, row in enumerate(rows)]

    def _translate_whole(
        self, texts: Sequence[str], search: TranslationSearchConfig, attention: bool, names: Sequence[str] = ()
    ) -> list[list[Hypothesis]]:
        """Translates each text as one sequence; for `names` see `encode_sources`."""
        check_not_forked()
        ids = self.encode_sources(texts, search.max_source_pieces, names)
        results: list[list[Hypothesis]] = [[empty()] * search.n_best for _ in texts]

        def translate_batch(rows: list[int]) -> None:
            chosen = [ids[r] for r in rows]
            found = self.search_ids(pad_rows(chosen, last=EOS_ID), search)
            for row, hypotheses in zip(rows, self._read(chosen, found, attention), strict=True):
                results[row] = hypotheses

        for_each_batch(translate_batch, token_batches([len(i) for i in ids], search.batch_tokens))
        return results

    def encode_sources(self, texts: Sequence[str], max_pieces: int, names: Sequence[str] = ()) -> list[list[int]]:
        """Returns the ids of source texts, truncated to max_pieces with a warning that gives the name or number."""
        ids = self.source.encode([" ".join(text.split("\n")) for text in texts])
        for n, row in enumerate(ids):
            if len(row) > max_pieces:
                name = names[n] if names else f"text {n + 1}"
                warnings.warn(f"{name}: cut from {len(row)} to {max_pieces} pieces", stacklevel=3)
                ids[n] = row[:max_pieces]
        return ids

    def _read(self, sources: list[list[int]], found: Hypotheses, attention: bool) -> Iterator[list[Hypothesis]]:
        """Yields the hypotheses of each sentence of a batch."""
        tokens, lengths, scores, log_probs = (x.numpy() for x in found)
        n_best = tokens.shape[1]
        rows = [tokens[b, k, : max(lengths[b, k] - 1, 0)] for b in range(len(sources)) for k in range(n_best)]
        texts = self.target.decode(rows)
        maps = [np.zeros((0, 0), np.float32)] * len(rows)
        if attention:
            repeated = [source for source in sources for _ in range(n_best)]
            _, weights = self.score_ids(*make_batch(repeated, rows))
            maps = [weights[r, : len(rows[r]) + 1, : len(repeated[r]) + 1].numpy() for r in range(len(rows))]
        for b, source in enumerate(sources):
            source_pieces = self.source.pieces(source)
            yield [
                Hypothesis(
                    text=texts[r],
                    score=float(scores[b, r - b * n_best]),
                    log_prob=float(log_probs[b, r - b * n_best]),
                    pieces=self.target.pieces(rows[r]),
                    source_pieces=source_pieces,
                    attention=maps[r],
                )
                for r in range(b * n_best, (b + 1) * n_best)
                if lengths[b, r - b * n_best] > 0
            ]

    def score(self, sources: Iterable[str], targets: Iterable[str]) -> list[float]:
        """Returns log p(target | source) of each pair as a whole, natural logarithm, the end of the text included.

        Raises:
          InputError: lists of different lengths, a single text instead of a list, an item that is not a text, a pair so
            long that its attention weights would not fit into memory, or a process forked after a run was loaded.
        """
        check_not_forked()
        sources, targets = check_texts(sources, "sources"), check_texts(targets, "targets")
        if len(sources) != len(targets):
            raise InputError(f"sources and targets differ in length: {len(sources)} and {len(targets)}")
        source_ids, target_ids = self.source.encode(sources), self.target.encode(targets)
        for n, (s, t) in enumerate(zip(source_ids, target_ids, strict=True), start=1):
            at_once = self.config.model.attention_scores(len(s) + 1, len(t) + 1)
            if at_once > _MAX_SCORED:
                raise InputError(
                    f"pair {n}: {len(s):,} source and {len(t):,} target pieces are too many to score: they have "
                    f"{at_once:,} attention scores, and at most {_MAX_SCORED:,} fit; score parts of the text"
                )
        scores = [0.0] * len(sources)
        longest = [max(len(s), len(t)) for s, t in zip(source_ids, target_ids, strict=True)]
        for rows in token_batches([n + 1 for n in longest], self.config.search.batch_tokens):
            batch = make_batch([source_ids[r] for r in rows], [target_ids[r] for r in rows])
            log_probs, _ = self.score_ids(*batch)
            for row, value in zip(rows, tf.reduce_sum(log_probs, 1).numpy(), strict=True):
                scores[row] = float(value)
        return scores
