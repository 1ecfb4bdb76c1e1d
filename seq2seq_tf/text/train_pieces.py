"""Trains a SentencePiece model in a separate process without TensorFlow, started by `train_piece_models`."""

from __future__ import annotations

import ctypes
import io
import itertools
import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_bytes
from seq2seq_tf.text.lines import iter_lines
from seq2seq_tf.text.normalization import Normalizer, normalizer_spec

_PR_SET_PDEATHSIG = 1  # from sys/prctl.h
_MAX_LINE = 4192  # characters; the rest of longer lines is cut off
_CHUNK = 10_000  # lines normalised at a time


class _Lines:
    """Iterates over normalised, non-empty lines; stores an InputError and stops, as the trainer swallows exceptions."""

    def __init__(self, texts: Sequence[tuple[Sequence[str], str, str]], lowercase: bool) -> None:
        self.count = 0
        self.error: InputError | None = None
        self._texts = texts
        self._lowercase = lowercase

    def __iter__(self) -> Iterator[str]:
        try:
            for files, rule, _ in self._texts:
                normalizer = Normalizer(rule, lowercase=self._lowercase)
                lines = (line[:_MAX_LINE] for line in itertools.chain.from_iterable(map(iter_lines, files)))
                while chunk := list(itertools.islice(lines, _CHUNK)):
                    kept = [line for line in normalizer(chunk) if line]
                    self.count += len(kept)
                    yield from kept
        except InputError as error:
            self.error = error


def train(request: dict[str, Any]) -> None:
    """Trains a vocabulary and writes each of its model files atomically.

    Args:
      request: "texts", each a list of files, a normalisation rule and the path of the model file to write;
        "piece_model", "vocab_size", "character_coverage", "byte_fallback" and "lowercase" as in a data section.

    Raises:
      InputError: a file is missing or not UTF-8, there is no text, or too little for the requested vocabulary, or a
        model file cannot be written.
    """
    texts = request["texts"]
    lines = _Lines(texts, request["lowercase"])
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type=request["piece_model"],
            vocab_size=request["vocab_size"],
            character_coverage=request["character_coverage"],
            byte_fallback=request["byte_fallback"],
            normalization_rule_name="identity",  # the lines are already normalised
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            max_sentence_length=4 * _MAX_LINE,
            input_sentence_size=2_000_000,
            shuffle_input_sentence=True,
            hard_vocab_limit=request["piece_model"] == "bpe",
            minloglevel=1,
        )
    except RuntimeError as error:
        if lines.count and not lines.error:
            raise InputError(f"data.vocab_size={request['vocab_size']}: {_problem(str(error))}") from None
    if lines.error:
        raise lines.error
    if not lines.count:
        files = " and ".join(file for names, _, _ in texts for file in names)
        raise InputError(f"{files}: no text to train the piece model on")
    for _, rule, path in texts:
        write_bytes(path, _with_normalization(model.getvalue(), rule, request["lowercase"]))


def _problem(message: str) -> str:
    """Returns the error message of the trainer in terms of our options."""
    if found := re.search(r"too high .*<= (\d+)", message):
        return (
            f"the training text yields only {found[1]} pieces; set data.vocab_size={found[1]} or less, or "
            "data.piece_model=unigram, which accepts a smaller vocabulary"
        )
    if found := re.search(r"required_chars\. \d+ vs (\d+)", message):
        return (
            f"the characters of the training text, the bytes and the special symbols need {found[1]} pieces; set "
            f"data.vocab_size to more than {found[1]}, or lower data.character_coverage"
        )
    return "cannot train the piece model: " + " ".join(message.rpartition("] ")[2].split())


def _with_normalization(model: bytes, rule: str, lowercase: bool) -> bytes:
    """Returns the serialised model with the given normalisation rule."""
    changed = sentencepiece_model_pb2.ModelProto.FromString(model)  # type: ignore[attr-defined]  # see normalization
    changed.normalizer_spec.CopyFrom(normalizer_spec(rule, lowercase=lowercase))
    content: bytes = changed.SerializeToString(deterministic=True)
    return content


def end_with_parent(parent: int) -> None:
    """Asks the kernel (Linux only) to kill this process when its parent ends, for whatever reason.

    Args:
      parent: process id of the parent.
    """
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):  # another C library
        return
    if os.getppid() != parent:  # the parent ended before the call
        sys.exit(1)


if __name__ == "__main__":
    end_with_parent(int(sys.argv[2]))
    try:
        train(json.loads(sys.argv[1]))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
