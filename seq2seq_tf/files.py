"""Small files, written whole or not at all."""

from __future__ import annotations

import os

from seq2seq_tf.errors import InputError


def write_text(path: str, text: str) -> None:
    """Writes a small file whole or not at all."""
    try:
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".tmp", path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
