"""Trains a SentencePiece model: a process of its own, started by `train_piece_model`, without TensorFlow."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence

import sentencepiece

from seq2seq_tf.data.pairs import iter_lines

_LONGEST_LINE = 4192  # characters; longer lines teach nothing about pieces


def _lines(files: Sequence[str]) -> Iterator[str]:
    for path in files:
        for line in iter_lines(path):
            if line.strip():
                yield line[:_LONGEST_LINE]


def train(arguments: Sequence[str]) -> None:
    """Arguments: model path, bpe|unigram, size, coverage, byte fallback 0|1, lowercase 0|1, text files."""
    path, kind, size, coverage, byte_fallback, lowercase, *files = arguments
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_lines(files),
        model_writer=model,
        model_type=kind,
        vocab_size=int(size),
        character_coverage=float(coverage),
        byte_fallback=byte_fallback == "1",
        normalization_rule_name="nmt_nfkc_cf" if lowercase == "1" else "nmt_nfkc",
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        max_sentence_length=4 * _LONGEST_LINE,
        input_sentence_size=2_000_000,
        shuffle_input_sentence=True,
        hard_vocab_limit=False if kind == "unigram" else True,
        minloglevel=1,
    )
    with open(path + ".tmp", "wb") as file:
        file.write(model.getvalue())
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    train(sys.argv[1:])
