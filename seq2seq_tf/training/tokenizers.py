"""Weights are useless without the tokenizers they were trained with: SentencePiece models, characters, labels, words.

Every file of weights contains the SHA-256 of these files, which is compared whenever weights are read. Weights of older
versions contain none and are accepted as they are.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.errors import InputError
from seq2seq_tf.training.run_dir import RunDir

TOKENIZERS = "tokenizers"  # key in the state of weights: file name -> SHA-256


def tokenizer_hashes(run: RunDir, names: Sequence[str]) -> dict[str, str]:
    """Returns name -> SHA-256, in hexadecimal, of files in a run folder.

    Raises:
      InputError: a file is missing or cannot be read.
    """
    return {name: _hash(os.path.join(run.path, name)) for name in names}


def check_tokenizers(path: str, state: Mapping[str, Any], run: RunDir) -> None:
    """Compares the tokenizers of a run with those that weights were trained with.

    Args:
      path: of the weights, for error messages.
      state: of the weights.
      run: the run whose tokenizers are used with them.

    Raises:
      InputError: the weights were trained with a different tokenizer (both files are named), or one is missing.
    """
    for name, wanted in state.get(TOKENIZERS, {}).items():
        file = os.path.join(run.path, name)
        found = _hash(file)
        if found != wanted:
            raise InputError(
                f"{path}: these weights were trained with another {file}: its SHA-256 was {wanted[:16]}..., now it is "
                f"{found[:16]}...; restore the original file"
            )


def has_bound_tokenizers(run: RunDir, config: TaskConfig) -> bool:
    """Returns whether the tokenizers of a run must stay as they are because it has weights.

    Raises:
      InputError: they must stay, but one is missing.
    """
    if not run.has_weights:
        return False
    for name in config.tokenizer_files:
        path = os.path.join(run.path, name)
        if not os.path.exists(path):
            raise InputError(
                f"{path}: missing, and the weights of this run are useless without it; restore it, or use "
                "another --model_dir"
            )
    return True


def _hash(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
