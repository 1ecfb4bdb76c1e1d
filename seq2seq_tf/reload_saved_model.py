"""Loads an exported SavedModel as a stranger would: a script of its own that cannot import seq2seq_tf.

Run by export.py with the folder as argument and a JSON request on standard input; prints a JSON answer.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["seq2seq_tf"] = None  # type: ignore[assignment]  # importing it raises

import sentencepiece  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_text  # noqa: E402, F401 - registers the tokenizer's ops


def main() -> None:
    folder = sys.argv[1]
    request = json.load(sys.stdin)
    texts, targets = request["texts"], request["targets"]
    text_model = tf.saved_model.load(os.path.join(folder, "text"))
    found = text_model.translate(tf.constant(texts), n_best=tf.constant(request["n_best"]))
    scored = text_model.score(tf.constant(texts), tf.constant(targets))

    ids_model = tf.saved_model.load(os.path.join(folder, "ids"))
    pieces = sentencepiece.SentencePieceProcessor(os.path.join(folder, "ids", "source.model"))
    longest = request["max_source_pieces"]
    rows = tf.ragged.constant([[*row[:longest], pieces.eos_id()] for row in pieces.encode(texts)], dtype=tf.int32)
    by_ids = ids_model.translate_ids(rows.to_tensor(pieces.pad_id()))

    # A sentence without pieces is empty in the text model; the ids model has no such rule.
    empty = [len(row) == 1 for row in rows]
    answer = {
        "translations": [[t.decode() for t in row] for row in found["translations"].numpy().tolist()],
        "scores": found["scores"].numpy().tolist(),
        "log_probs": scored["log_probs"].numpy().tolist(),
        "ids_scores": [0.0 if e else s for e, s in zip(empty, by_ids["scores"][:, 0].numpy().tolist(), strict=True)],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
