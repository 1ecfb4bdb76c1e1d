"""Translates with the SavedModel beside this file: needs TensorFlow and tensorflow-text, not seq2seq_tf.

    from saved_translator import SavedTranslator
    translator = SavedTranslator("exported/de_en")
    translator.translate(["Ein Hund."], beam_size=8, n_best=3)

As a program it translates standard input line by line: python exported/de_en/saved_translator.py < in.de > out.en

Arguments are checked here, in Python, and mistakes raise exceptions; the SavedModel itself clips values to their range.
Several threads may call it at the same time. Load it in the process that uses it: TensorFlow does not survive a fork
(start workers with multiprocessing's "spawn").
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # TensorFlow's faster CPU kernels; read when it is imported

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401 - registers the tokenizer's ops

_BATCH = 64  # texts; a translation does not depend on the rest of its batch
_WINDOW = 16 * _BATCH  # lines that the program translates at a time
_KINDS: dict[str, tuple[Any, str]] = {  # types of options, NumPy's included; a Python bool is not accepted as a number
    "bool": (bool | np.bool_, "True or False"),
    "int32": (Integral, "a whole number"),
    "float32": (Real, "a number"),
}
_NO_HYPOTHESIS = -1e8  # lower scores fill the places of missing hypotheses, if there are fewer than requested


class Hypothesis(NamedTuple):
    """One translation of one text."""

    text: str
    score: float  # log-probability / length penalty; orders an n-best list
    log_prob: float  # natural logarithm


class SavedTranslator:
    """A loaded SavedModel.

    Args:
      folder: written by seq2seq-export; by default that of this file.
    """

    def __init__(self, folder: str = os.path.dirname(os.path.abspath(__file__))) -> None:
        with open(os.path.join(folder, "about.json"), encoding="utf-8") as file:
            self.about: dict[str, Any] = json.load(file)
        self._loaded = tf.saved_model.load(os.path.join(folder, "text"))  # kept: it owns the weights
        self._translate = self._loaded.signatures["serving_default"]
        self._score = self._loaded.signatures["score"]
        self._process = os.getpid()
        self._folder = folder

    def __repr__(self) -> str:
        """Returns the folder and which weights it contains."""
        return f"<SavedTranslator of {self._folder!r} ({self.about['weights']['label']})>"

    def translate(
        self, texts: str | Sequence[str], **options: float
    ) -> Hypothesis | list[Hypothesis] | list[list[Hypothesis]]:
        """Translates a text, or a list of texts; a list gives a list in the same order.

        Args:
          texts: an empty text gives an empty translation.
          **options: beam_size, n_best, length_penalty, ...; about.json lists all with default, range and meaning.

        Returns:
          a Hypothesis per text; with n_best above 1, a list of them per text, best first.

        Raises:
          ValueError: unknown option, value out of range, or a text that cannot be encoded as UTF-8.
          TypeError: a text that is not a str.
          RuntimeError: the process was forked after loading.
        """
        if isinstance(texts, str):
            return self.translate([texts], **options)[0]  # type: ignore[return-value]
        n_best, rows = self._search(texts, options)
        return rows if n_best > 1 else [row[0] for row in rows]

    def _search(self, texts: Sequence[str], options: dict[str, float]) -> tuple[int, list[list[Hypothesis]]]:
        """Returns n_best and the hypotheses of each text."""
        inputs = self._inputs(options)
        rows: list[list[Hypothesis]] = [[] for _ in _checked(texts, "texts")]
        for batch in self._batches([len(text) for text in texts]):
            found = self._translate(texts=tf.constant([texts[n] for n in batch], tf.string), **inputs)
            columns = (found[name].numpy().tolist() for name in ("translations", "scores", "log_probs"))
            for n, translations, scores, log_probs in zip(batch, *columns, strict=True):
                hypotheses = map(Hypothesis, (t.decode() for t in translations), scores, log_probs)
                rows[n] = [h for h in hypotheses if h.score > _NO_HYPOTHESIS]
        return int(inputs["n_best"]), rows

    def score(self, sources: Sequence[str], targets: Sequence[str]) -> list[float]:
        """Returns log p(target | source) of each pair; NaN if a side has more pieces than about.json allows.

        Raises:
          ValueError: lists of different lengths, or a text that cannot be encoded as UTF-8.
          TypeError: a text that is not a str, or a single text instead of a list.
          RuntimeError: the process was forked after loading.
        """
        if len(_checked(sources, "sources")) != len(_checked(targets, "targets")):
            raise ValueError(f"sources and targets differ in length: {len(sources)} and {len(targets)}")
        scores = [0.0] * len(sources)
        for batch in self._batches([len(s) + len(t) for s, t in zip(sources, targets, strict=True)]):
            pair = (tf.constant([side[n] for n in batch], tf.string) for side in (sources, targets))
            found = self._score(**dict(zip(("sources", "targets"), pair, strict=True)))
            for n, value in zip(batch, found["log_probs"].numpy().tolist(), strict=True):
                scores[n] = value
        return scores

    def _inputs(self, options: dict[str, float]) -> dict[str, tf.Tensor]:
        """Returns every option of the signature as a tensor, as TensorFlow does not fill in defaults in Python."""
        known = self.about["options"]
        chosen = {name: entry["default"] for name, entry in known.items()}
        for name, value in options.items():
            if name not in known:
                raise ValueError(f"unknown option {name!r}; expected one of {', '.join(known)}")
            entry = known[name]
            kinds, words = _KINDS[entry["type"]]
            if isinstance(value, _KINDS["bool"][0]) != (entry["type"] == "bool") or not isinstance(value, kinds):
                raise ValueError(f"{name} must be {words}, got {value!r}")
            if not entry["low"] <= value <= entry["high"]:
                raise ValueError(f"{name} must be between {entry['low']} and {entry['high']}, got {value!r}")
            chosen[name] = value
        if "n_best" not in options:  # a smaller beam reduces the run's n_best
            chosen["n_best"] = min(chosen["n_best"], chosen["beam_size"])
        if chosen["n_best"] > chosen["beam_size"]:
            raise ValueError(f"n_best={chosen['n_best']} is larger than beam_size={chosen['beam_size']}")
        return {name: tf.constant(value, known[name]["type"]) for name, value in chosen.items()}

    def _batches(self, lengths: list[int]) -> Iterator[list[int]]:
        """Yields the row numbers of each batch; if there are several, a batch contains texts of similar length."""
        if os.getpid() != self._process:
            raise RuntimeError("this process was forked after loading; start it with 'spawn' and load in the child")
        order = range(len(lengths)) if len(lengths) <= _BATCH else sorted(range(len(lengths)), key=lengths.__getitem__)
        for start in range(0, len(order), _BATCH):
            yield list(order[start : start + _BATCH])


def _checked(texts: Sequence[str], name: str) -> Sequence[str]:
    if isinstance(texts, str | bytes) or not isinstance(texts, Sequence):
        raise TypeError(f"{name} must be a list of str, got {type(texts).__name__}")
    for n, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{n}] must be a str, got {type(text).__name__}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name}[{n}] cannot be written as UTF-8: {text[:40]!a}") from None
    return texts


def main() -> int:
    """Translates standard input; returns exit code 2 if a line is not UTF-8, after translating those before it."""
    translator, lines, code = SavedTranslator(), [], 0
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        try:
            lines.append(raw.rstrip(b"\r\n").decode())
        except UnicodeDecodeError:
            print(f"error: line {number} of standard input is not UTF-8", file=sys.stderr)
            code = 2
            break
    for start in range(0, len(lines), _WINDOW):
        _, rows = translator._search(lines[start : start + _WINDOW], {"n_best": 1})
        for row in rows:
            sys.stdout.buffer.write(row[0].text.replace("\n", " ").encode() + b"\n")
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
