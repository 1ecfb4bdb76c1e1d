"""SavedModels of a run, compared with the Python API in a fresh process before anything is kept.

`OUT/text` takes strings and returns strings; the tokenizer is inside (loading needs `import tensorflow_text`).
`OUT/ids` takes and returns piece ids, for servers without tensorflow-text; the piece models lie beside it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from seq2seq_tf.config import leaves
from seq2seq_tf.errors import InputError
from seq2seq_tf.options.common import Range
from seq2seq_tf.search.beam import BeamOptions, beam_search
from seq2seq_tf.search.greedy import greedy_search
from seq2seq_tf.search.limits import LengthRule, source_limits
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, Batch, Hypotheses
from seq2seq_tf.text.sentencepiece import GraphPieces
from seq2seq_tf.tracing import trace
from seq2seq_tf.translator import Translator

_ONE_BATCH = 2**30  # tokens
# Nobody trains a served model, and the gradients of the fused recurrences cannot be saved.
_SAVING = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
# Of a log-probability; rounding differs with the shape of a product, and bfloat16 rounds to 8 bits, float16 to 11.
_SCORE_TOLERANCE = {"float32": 1e-3, "bfloat16": 1e-2, "float16": 1e-2}
_ALLOWED = {leaf.name.removeprefix("search."): leaf.allowed for leaf in leaves() if isinstance(leaf.allowed, Range)}


class Comparison(NamedTuple):
    """How a reloaded SavedModel agrees with the Python API."""

    sentences: int
    largest_score_difference: float


class ServedIds(tf.Module):
    """Search and scoring over piece ids, with every option as an input that has a default."""

    def __init__(self, translator: Translator) -> None:
        super().__init__()
        self._model = translator.model
        self._weights = tuple(v.value for v in translator.model.trainable_variables)  # tracked, hence saved
        search = translator.config.search
        self._max_extra, self._max_steps = tf.constant(search.max_extra), tf.constant(search.max_steps)
        self._early_stop = search.early_stop
        number, rate = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)
        options = {"beam_size": number, "n_best": number, "length_penalty": rate, "max_ratio": rate, "min_ratio": rate}
        self._option_specs = [tf.TensorSpec([], spec.dtype, name=name) for name, spec in options.items()]
        self._defaults = tuple(tf.constant(getattr(search, name), spec.dtype) for name, spec in options.items())
        ids = tf.TensorSpec([None, None], tf.int32, name="source")
        target = tf.TensorSpec([None, None], tf.int32, name="target")
        self.translate_ids = self._with_options(self._translate_ids, ids)
        self.score_ids = trace(self._score_ids, [ids, target])

    def _with_options(self, function, first: tf.TensorSpec):  # type: ignore[no-untyped-def]
        """Traces function(first, options...) once, with the run's search options as defaults."""
        beam_size, n_best, length_penalty, max_ratio, min_ratio = self._defaults

        def call(
            x: tf.Tensor,
            beam_size: tf.Tensor = beam_size,
            n_best: tf.Tensor = n_best,
            length_penalty: tf.Tensor = length_penalty,
            max_ratio: tf.Tensor = max_ratio,
            min_ratio: tf.Tensor = min_ratio,
        ) -> dict[str, tf.Tensor]:
            return function(x, BeamOptions(beam_size, n_best, length_penalty), max_ratio, min_ratio)

        return trace(call, [first, *self._option_specs])

    def _search(
        self, source: tf.Tensor, options: BeamOptions, max_ratio: tf.Tensor, min_ratio: tf.Tensor
    ) -> Hypotheses:
        """Searches; options outside their range are moved into it, as a server has nobody to complain to."""
        beam = _into_range("beam_size", options.beam_size)
        n_best = tf.clip_by_value(options.n_best, 1, beam)
        penalty = _into_range("length_penalty", options.length_penalty)
        options = BeamOptions(beam, n_best, penalty, self._early_stop)
        max_ratio, min_ratio = _into_range("max_ratio", max_ratio), _into_range("min_ratio", min_ratio)
        memory, state = self._model.encode(source)
        limits = source_limits(source, LengthRule(max_ratio, self._max_extra, min_ratio, self._max_steps))
        step = self._model.step_fn()
        return tf.cond(  # as in the Python API
            beam == 1,
            lambda: greedy_search(step, state, memory, limits, options.length_penalty),
            lambda: beam_search(step, state, memory, limits, options),
        )

    def _translate_ids(
        self, source: tf.Tensor, options: BeamOptions, max_ratio: tf.Tensor, min_ratio: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """source [B, S] int32, ends with EOS, then PAD -> tokens [B, N, T] and [B, N] lengths, scores, log_probs."""
        return self._search(source, options, max_ratio, min_ratio)._asdict()

    def _score_ids(self, source: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
        """source [B, S], target [B, T] int32, both end with EOS, then PAD -> log_probs [B], attention [B, T, S]."""
        starts = tf.fill([tf.shape(target)[0], 1], BOS_ID)
        shifted = tf.concat([starts, tf.where(target[:, :-1] == EOS_ID, PAD_ID, target[:, :-1])], 1)
        log_probs, attention = self._model.score(Batch(source, shifted, target))
        return {"log_probs": tf.reduce_sum(log_probs, 1), "attention": attention}


def _into_range(option: str, value: tf.Tensor) -> tf.Tensor:
    low, high = _ALLOWED[option]
    return tf.clip_by_value(value, low, high)


class ServedText(ServedIds):
    """The same over strings; contains the tokenizer."""

    def __init__(self, translator: Translator) -> None:
        super().__init__(translator)
        self._source = GraphPieces(translator.source.path)
        self._target = GraphPieces(translator.target.path)
        self._longest = translator.config.search.max_source_pieces
        texts = tf.TensorSpec([None], tf.string, name="texts")
        self.translate = self._with_options(self._translate, texts)
        pair = [tf.TensorSpec([None], tf.string, name=name) for name in ("sources", "targets")]
        self.score = trace(self._score, pair)

    def _translate(
        self, texts: tf.Tensor, options: BeamOptions, max_ratio: tf.Tensor, min_ratio: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """texts [B] -> translations [B, N] string, scores and log_probs [B, N]; an empty text stays empty."""
        source = self._source.encode(texts, self._longest)
        found = self._search(source, options, max_ratio, min_ratio)
        shape = tf.shape(found.scores)
        rows = [shape[0] * shape[1], tf.shape(found.tokens)[2]]  # not -1, which no text at all would leave open
        decoded = self._target.decode(tf.reshape(found.tokens, rows))
        empty = (source[:, :1] == EOS_ID) | (found.lengths == 0)
        return {
            "translations": tf.where(empty, "", tf.reshape(decoded, shape)),
            "scores": tf.where(source[:, :1] == EOS_ID, 0.0, found.scores),
            "log_probs": tf.where(source[:, :1] == EOS_ID, 0.0, found.log_probs),
        }

    def _score(self, sources: tf.Tensor, targets: tf.Tensor) -> dict[str, tf.Tensor]:
        """sources [B], targets [B] string -> log_probs [B], attention [B, T, S] over pieces."""
        everything = tf.constant(2**30)
        return self._score_ids(self._source.encode(sources, everything), self._target.encode(targets, everything))


def export(translator: Translator, out: str, sentences: Sequence[str]) -> Comparison:
    """Writes OUT/text and OUT/ids, after a fresh process has reloaded both and agreed with the Python API.

    Args:
      translator: of the run.
      out: folder to make; must not exist yet.
      sentences: real source sentences to compare on.

    Raises:
      InputError: OUT exists or cannot be written, or there is no sentence to compare on.
      RuntimeError: the reloaded model gives other strings or scores; nothing is kept.
    """
    if os.path.exists(out):
        raise InputError(f"{out}: exists already; name a new folder")
    if not sentences:
        raise InputError("no sentences to compare the SavedModel on")
    parent = os.path.dirname(os.path.abspath(out))
    try:
        os.makedirs(parent, exist_ok=True)
        temporary = tempfile.mkdtemp(prefix=".export-", dir=parent)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}") from None
    try:
        _save(translator, temporary)
        comparison = _compare(translator, temporary, list(sentences))
        os.chmod(temporary, 0o755)  # mkdtemp makes private folders; a server must read this one
        os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return comparison


def _save(translator: Translator, folder: str) -> None:
    text, ids = ServedText(translator), ServedIds(translator)
    signatures = {
        "serving_default": text.translate,
        "translate_ids": text.translate_ids,
        "score": text.score,
        "score_ids": text.score_ids,
    }
    tf.saved_model.save(text, os.path.join(folder, "text"), signatures=signatures, options=_SAVING)
    signatures = {"serving_default": ids.translate_ids, "score_ids": ids.score_ids}
    tf.saved_model.save(ids, os.path.join(folder, "ids"), signatures=signatures, options=_SAVING)
    for model, name in ((translator.source, "source.model"), (translator.target, "target.model")):
        shutil.copyfile(model.path, os.path.join(folder, "ids", name))


def _compare(translator: Translator, folder: str, sentences: list[str]) -> Comparison:
    """Translates and scores in a fresh process without this package; raises RuntimeError on any difference."""
    tolerance = _SCORE_TOLERANCE[translator.config.train.precision]
    # One batch, longest first, on both sides: then no difference is left but that of the two programs.
    lengths = [len(ids) for ids in translator.source.encode(sentences)]
    sentences = [sentences[n] for n in sorted(range(len(sentences)), key=lambda n: -lengths[n])]
    n_best = min(2, translator.config.search.beam_size)
    rows = translator.translate_all(
        sentences,
        dataclasses.replace(
            translator.search_options(n_best=n_best, shortlist=0, split_sentences=False), batch_tokens=_ONE_BATCH
        ),
    )
    best = [row[0].text for row in rows]
    # The search scores the pieces it chose; scoring a text cuts it anew, so the two are compared each with its own.
    expected_log_probs = translator.score(sentences, best)
    longest = translator.config.search.max_source_pieces
    request = {"texts": sentences, "targets": best, "n_best": n_best, "max_source_pieces": longest}
    reloaded = _reload(folder, request)
    largest = 0.0
    for n, row in enumerate(rows):
        texts = [h.text for h in row]
        scores = [(h.score, s) for h, s in zip(row, reloaded["scores"][n], strict=False)]
        scores.append((expected_log_probs[n], reloaded["log_probs"][n]))
        differences = [abs(a - b) / max(1.0, abs(a)) for a, b in scores]
        worst = max(differences)
        largest = max(largest, worst)
        close = all(d < tolerance for d in differences)  # not worst, which overlooks NaN
        if reloaded["translations"][n][: len(texts)] != texts or not close:
            raise RuntimeError(
                f"the reloaded SavedModel differs on {sentences[n]!r}: {reloaded['translations'][n]} "
                f"instead of {texts}, scores differ by {worst:g}"
            )
        if not math.isclose(reloaded["ids_scores"][n], row[0].score, rel_tol=tolerance, abs_tol=tolerance):
            raise RuntimeError(f"the reloaded SavedModel over ids differs on {sentences[n]!r}")
    return Comparison(len(sentences), largest)


def _reload(folder: str, request: dict[str, object]) -> dict[str, list]:
    """Runs reload_saved_model.py in a fresh interpreter that cannot import this package."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reload_saved_model.py")
    done = subprocess.run(
        [sys.executable, "-I", script, folder], input=json.dumps(request), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the SavedModel cannot be loaded in a fresh process: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
