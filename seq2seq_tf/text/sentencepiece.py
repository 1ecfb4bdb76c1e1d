"""SentencePiece (Kudo and Richardson 2018): strings <-> piece ids, in bulk and inside a TensorFlow graph.

`SentencePieceTokenizer` wraps the sentencepiece library, for data preparation and the Python API;
`SentencePieceGraphTokenizer` wraps tensorflow-text, for the SavedModel. Both read the same model file; a test compares
their results.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import sentencepiece
import tensorflow as tf

from seq2seq_tf.errors import InputError
from seq2seq_tf.structures import BOS_ID, EOS_ID, PAD_ID, UNK_ID
from seq2seq_tf.text.lookup_graph import pad_with_end


class PieceOptions(Protocol):
    """Options of a data section that the training of a piece model needs; see there for their meaning."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def piece_model(self) -> str: ...

    @property
    def character_coverage(self) -> float: ...

    @property
    def byte_fallback(self) -> bool: ...

    @property
    def lowercase(self) -> bool: ...


class PieceText(NamedTuple):
    """The text of one language and the model file to write for it."""

    files: tuple[str, ...]
    normalization: str  # one of config.common.NORMALIZATIONS
    model_path: str


def train_piece_model(files: Sequence[str], model_path: str, config: PieceOptions, *, normalization: str) -> None:
    """Trains a piece model on text files; see `train_piece_models`."""
    train_piece_models([PieceText(tuple(files), normalization, model_path)], config)


def train_piece_models(texts: Sequence[PieceText], config: PieceOptions) -> None:
    """Trains one vocabulary on all texts and writes a model file for each.

    The model files have the same pieces; each normalises by the rule of its text.
    Training runs in a child process, since the trainer of sentencepiece and TensorFlow cannot always share one. On
    Linux, the child ends with this process.

    Raises:
      InputError: a model file cannot be written (full disk), the text cannot give the requested number of pieces, there
        is no text, it is not UTF-8 (the message gives file and line), or the child process was killed.
      RuntimeError: training failed for another reason.
    """
    names = ("piece_model", "vocab_size", "character_coverage", "byte_fallback", "lowercase")
    request = {"texts": texts, **{name: getattr(config, name) for name in names}}
    command = [sys.executable, "-m", "seq2seq_tf.text.train_pieces", json.dumps(request), str(os.getpid())]
    package_root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    search_path = os.pathsep.join(p for p in (package_root, os.environ.get("PYTHONPATH", "")) if p)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": search_path}
    )
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()] or ["no message"]
        if done.returncode == 2:
            raise InputError(lines[-1])
        if done.returncode < 0:
            ended = signal.Signals(-done.returncode).name
            raise InputError(f"the process that trains the piece model was killed by {ended}; is there enough memory?")
        raise RuntimeError(f"training the piece model failed: {lines[-1]}")


class SentencePieceTokenizer:
    """A SentencePiece model outside the graph. See `tokenizer.Tokenizer`.

    Args:
      path: model file whose special ids are those of structures.py.

    Raises:
      InputError: the file is not a SentencePiece model, or has different special ids.
    """

    units = "pieces"
    character_level = False

    def __init__(self, path: str) -> None:
        self.path = path
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.Load(path)
        except (OSError, RuntimeError) as error:
            raise InputError(f"{path}: not a SentencePiece model: {str(error).splitlines()[0]}") from None
        p = self._processor
        found = (p.pad_id(), p.unk_id(), p.bos_id(), p.eos_id())
        if found != (PAD_ID, UNK_ID, BOS_ID, EOS_ID):
            raise InputError(f"{path}: ids of pad, unk, bos, eos must be 0, 1, 2, 3, got {found}")

    @property
    def vocab_size(self) -> int:
        """Number of pieces, including the special ones."""
        return self._processor.GetPieceSize()

    def encode(self, texts: Sequence[str], *, threads: int = 1) -> list[list[int]]:
        """Returns the ids of each text, without BOS and EOS."""
        return self._processor.Encode(list(texts), out_type=int, num_threads=threads)

    def encode_sampled(self, texts: Sequence[str], *, noise: float, seed: int) -> list[list[int]]:
        """Returns one random segmentation of each text (Kudo 2018; Provilkov et al. 2020), reproducible by seed.

        Args:
          texts: the texts.
          noise: with BPE, the share of merges dropped; with unigram, the smoothing exponent (smaller is noisier).
          seed: seed of the random generator of sentencepiece, which is global.
        """
        sentencepiece.set_random_generator_seed(seed)
        return self._processor.Encode(
            list(texts), out_type=int, enable_sampling=True, alpha=noise, nbest_size=-1, num_threads=1
        )

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of ids; special ids other than UNK are omitted."""
        rows = [[int(i) for i in row if i > EOS_ID or i == UNK_ID] for row in ids]
        return self._processor.Decode(rows) if rows else []

    def written_back(self, encoded: list[list[int]], *, threads: int = 1) -> list[str]:
        """Returns the texts of rows from `encode`; like `decode`, but fast enough for a whole corpus."""
        return self._processor.Decode(encoded, num_threads=threads) if encoded else []

    def pieces(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Returns the pieces as text; a leading '\\u2581' represents a space before the word."""
        return [self._processor.IdToPiece(int(i)) for i in ids]

    def in_graph(self) -> SentencePieceGraphTokenizer:
        """Returns the same tokenizer for use in a graph."""
        return SentencePieceGraphTokenizer(self.path)


class SentencePieceGraphTokenizer(tf.Module):
    """A SentencePiece model inside a graph, tracked and so part of a SavedModel. See `tokenizer.GraphTokenizer`."""

    def __init__(self, path: str) -> None:
        super().__init__()
        import tensorflow_text  # imported here: it registers ops, and only the export needs it

        with open(path, "rb") as file:
            model = file.read()
        # A loaded SavedModel shares tokenizers by name: all with the same name would be the first one created.
        name = f"pieces_{hashlib.sha256(model).hexdigest()[:16]}"
        self._tokenizer = tensorflow_text.SentencepieceTokenizer(model=model, out_type=tf.int32, name=name)

    def encode(self, texts: tf.Tensor, max_pieces: tf.Tensor) -> tf.Tensor:
        """Returns ids [B, S] int32, each row cut to max_pieces, ended with EOS and padded. texts: [B] string."""
        return pad_with_end(self._tokenizer.tokenize(texts), max_pieces)

    def decode(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns texts [N] string. ids: [N, T] int32; EOS and PAD are omitted."""
        real = tf.not_equal(ids, PAD_ID) & tf.not_equal(ids, EOS_ID)
        return self._tokenizer.detokenize(tf.ragged.boolean_mask(ids, real))
