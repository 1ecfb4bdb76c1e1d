"""Trains one piece model for all programs, and splits the corpus into pieces for those that expect it so.

  python prepare_pieces.py CONFIG DATA OUT [PIECE_MODEL]     (in our environment, from the checkout)

Without PIECE_MODEL it trains the one that our own training makes of the same files: then ours and the peers work
with the same pieces. Writes into OUT: pieces.model, {train,valid,test}.pieces.{source,target}, test.{source,target}
and one vocabulary for each peer, special words first where it wants them.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence

import sentencepiece

from seq2seq_tf.config.loading import load
from seq2seq_tf.errors import InputError
from seq2seq_tf.text.lines import iter_lines

PARTS = {"train": "train", "valid": "valid", "test": "test_2016_flickr"}  # our name: name in DATA
LANGUAGES = ("de", "en")


def vocabularies(pieces: Sequence[str]) -> dict[str, str]:
    """Returns file name -> content. pieces: without the special ones."""
    marian = [f"{json.dumps(p, ensure_ascii=False)}: {n}" for n, p in enumerate(["</s>", "<unk>", *pieces])]
    return {
        "vocab.joey": "\n".join(["<unk>", "<pad>", "<s>", "</s>", *pieces, ""]),
        "vocab.onmtpy": "\n".join([*pieces, ""]),  # adds its own special words
        "vocab.onmttf": "\n".join(["<blank>", "<s>", "</s>", *pieces, ""]),  # adds <unk> at the end
        "vocab.marian.yml": "\n".join([*marian, ""]),
    }


def main(config_file: str, data: str, out: str, piece_model: str = "") -> None:
    """Writes everything; the piece model last, as a sign that everything is complete."""
    paths = {(part, lang): os.path.join(data, f"{name}.{lang}") for part, name in PARTS.items() for lang in LANGUAGES}
    for path in [*paths.values(), *([piece_model] if piece_model else [])]:
        if not os.path.isfile(path):
            raise InputError(f"{path}: no such file (data: seq2seq-data fetch-multi30k --out={data})")
    os.makedirs(out, exist_ok=True)
    model = os.path.join(out, "pieces.new")
    if piece_model:
        shutil.copyfile(piece_model, model)
    else:
        from seq2seq_tf.text.sentencepiece import train_piece_model  # imports TensorFlow: only if needed

        files = [paths["train", lang] for lang in LANGUAGES]
        train_piece_model(files, model, load(config_file).config.data, normalization="nmt_nfkc")
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    everything = range(processor.get_piece_size())
    pieces = [
        processor.id_to_piece(n) for n in everything if not processor.is_control(n) and not processor.is_unknown(n)
    ]
    for name, content in vocabularies(pieces).items():
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            file.write(content)
    for (part, lang), path in paths.items():
        side = ("source", "target")[LANGUAGES.index(lang)]
        rows = processor.encode(list(iter_lines(path)), out_type=str)
        with open(os.path.join(out, f"{part}.pieces.{side}"), "w", encoding="utf-8") as file:
            file.writelines(" ".join(row) + "\n" for row in rows)
        print(f"{path}: {len(rows):,} lines, {sum(map(len, rows)):,} pieces")
        if part == "test":
            shutil.copyfile(path, os.path.join(out, f"test.{side}"))
    os.replace(model, os.path.join(out, "pieces.model"))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
