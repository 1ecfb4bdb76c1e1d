"""Trains a SentencePiece model: a process of its own, started by `train_piece_model`, without TensorFlow."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterator, Sequence

import sentencepiece

from seq2seq_tf.data.pairs import iter_lines
from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_bytes

_LONGEST_LINE = 4192  # characters; longer lines teach nothing about pieces


class _Lines:
    """The lines of files with text; a mistake ends them, since the trainer would swallow an exception."""

    def __init__(self, files: Sequence[str]) -> None:
        self.count = 0
        self.error: InputError | None = None
        self._files = files

    def __iter__(self) -> Iterator[str]:
        try:
            for line in itertools.chain.from_iterable(map(iter_lines, self._files)):
                if line.strip():
                    self.count += 1
                    yield line[:_LONGEST_LINE]
        except InputError as error:
            self.error = error


def train(arguments: Sequence[str]) -> None:
    """Trains a model and writes it whole.

    Args:
      arguments: model path, bpe|unigram, size, coverage, byte fallback 0|1, lowercase 0|1, text files.

    Raises:
      InputError: a file is missing or not UTF-8, or there is no text, or too little for that many pieces.
    """
    path, kind, size, coverage, byte_fallback, lowercase, *files = arguments
    lines = _Lines(files)
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
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
            hard_vocab_limit=kind == "bpe",
            minloglevel=1,
        )
    except RuntimeError as error:
        if lines.count and not lines.error:
            problem = " ".join(str(error).rpartition("] ")[2].split())  # without the place in the C++ source
            raise InputError(f"data.vocab_size={size}: cannot train the piece model: {problem}") from None
    if lines.error:
        raise lines.error
    if not lines.count:
        raise InputError(f"{' and '.join(files)}: no text to train the piece model on")
    write_bytes(path, model.getvalue())


if __name__ == "__main__":
    try:
        train(sys.argv[1:])
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
