"""Loads an exported SavedModel as its users do: a separate script that cannot import seq2seq_tf.

export.py runs it with the folder as argument and a JSON request on standard input; it prints a JSON answer.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["seq2seq_tf"] = None  # type: ignore[assignment]  # importing it raises
sys.dont_write_bytecode = True  # keeps __pycache__ out of the exported folder
sys.path.insert(0, sys.argv[1])  # so that the shipped copy is the one compared

import sentencepiece  # noqa: E402
import tensorflow as tf  # noqa: E402
from saved_translator import SavedTranslator  # noqa: E402


def main() -> None:
    folder = sys.argv[1]
    request = json.load(sys.stdin)
    texts, targets, n_best, size = (request[name] for name in ("texts", "targets", "n_best", "batch"))
    batches = [slice(start, start + size) for start in range(0, len(texts), size)]
    translator = SavedTranslator(folder)
    found = [row for batch in batches for row in translator.translate(texts[batch], n_best=n_best)]
    rows = found if n_best > 1 else [[hypothesis] for hypothesis in found]

    ids_model = tf.saved_model.load(os.path.join(folder, "ids"))
    pieces = sentencepiece.SentencePieceProcessor(os.path.join(folder, "ids", "source.model"))
    encoded = [[*row, pieces.eos_id()] for row in pieces.encode(texts)]
    by_ids: list[float] = []
    for batch in batches:
        ids = tf.ragged.constant(encoded[batch], dtype=tf.int32).to_tensor(pieces.pad_id())
        by_ids += ids_model.translate_ids(ids)["scores"][:, 0].numpy().tolist()

    # The text model returns an empty translation for a sentence without pieces; the ids model has no such rule.
    empty = [len(row) == 1 for row in encoded]
    answer = {
        "translations": [[h.text for h in row] for row in rows],
        "scores": [[h.score for h in row] for row in rows],
        "log_probs": translator.score(texts, targets),
        "ids_scores": [0.0 if e else score for e, score in zip(empty, by_ids, strict=True)],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
