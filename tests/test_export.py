"""SavedModels do what the Python API does, without this package, and are kept only if that was seen."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from seq2seq_tf import export as export_module
from seq2seq_tf.config import SearchConfig
from seq2seq_tf.data.corpus import pad_rows
from seq2seq_tf.errors import InputError
from seq2seq_tf.export import export
from seq2seq_tf.structures import EOS_ID, PAD_ID
from seq2seq_tf.translator import Hypothesis, Translator
from tests.toy import sentences
from tests.trained import Exported, copy_run

TEXTS = ["", *(" ".join(words) for words in sentences(11, seed=5, longest=9)), "  "]
SEARCHES: list[dict[str, float]] = [
    {},
    {"beam_size": 1},
    {"beam_size": 1, "length_penalty": 0.0},
    {"n_best": 3},
    {"beam_size": 2, "n_best": 2, "length_penalty": 0.0},
    {"beam_size": 7, "n_best": 5, "length_penalty": 2.5},
    {"max_ratio": 0.3},
    {"beam_size": 1, "min_ratio": 1.5},
]
CLIPPED: list[tuple[dict[str, float], dict[str, float]]] = [  # (given, what it should mean)
    ({"beam_size": 0, "n_best": 5}, {"beam_size": 1}),
    ({"beam_size": 2, "n_best": 5}, {"beam_size": 2, "n_best": 2}),
    ({"n_best": -3}, {"n_best": 1}),
    ({"beam_size": 1000}, {"beam_size": 64}),
    ({"length_penalty": -1.0}, {"length_penalty": 0.0}),
    ({"max_ratio": -1.0, "min_ratio": 1e9}, {"max_ratio": 0.0, "min_ratio": 100.0}),
]

# Loads a SavedModel as a stranger and calls it: [function, inputs, options] -> outputs by name, as lists.
STRANGER = """
import json, sys
request = json.load(sys.stdin)
for name in request["blocked"]:
    sys.modules[name] = None
import tensorflow as tf
if "tensorflow_text" not in request["blocked"]:
    import tensorflow_text

def plain(x):
    return [plain(y) for y in x] if isinstance(x, list) else x.decode() if isinstance(x, bytes) else x

model = tf.saved_model.load(request["folder"])
answers = []
for function, dtype, inputs, options in request["calls"]:
    tensors = [tf.constant(x, dtype) for x in inputs]
    found = getattr(model, function)(*tensors, **{name: tf.constant(x) for name, x in options.items()})
    answers.append({name: plain(x.numpy().tolist()) for name, x in found.items()})
signatures = {
    name: {
        side: {x.name: [x.dtype.name, list(x.shape)] for x in tensors.values()}
        for side, tensors in (("in", f.structured_input_signature[1]), ("out", f.structured_outputs))
    }
    for name, f in model.signatures.items()
}
print(json.dumps({"answers": answers, "signatures": signatures}))
"""
Answer = dict[str, list[Any]]


def ask_stranger(folder: Path, blocked: list[str], calls: list[list[Any]]) -> dict[str, Any]:
    """Calls a SavedModel in a fresh, isolated interpreter in which the `blocked` packages cannot be imported."""
    request = json.dumps({"folder": str(folder), "blocked": blocked, "calls": calls})
    done = subprocess.run([sys.executable, "-I", "-c", STRANGER], input=request, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def padded(translator: Translator, texts: list[str]) -> list[list[int]]:
    return pad_rows(translator.encode_sources(texts, 1000), last=EOS_ID).tolist()


@pytest.fixture(scope="module")
def text_model(exported: Exported) -> dict[str, Any]:
    """Answers of text/: each of SEARCHES, then each of CLIPPED, then the rest by place from the end."""
    assert exported.ended.code == 0, exported.ended.stderr
    calls = [["translate", "string", [TEXTS], options] for options in [*SEARCHES, *(given for given, _ in CLIPPED)]]
    calls += [
        ["translate", "string", [[]], {"n_best": 2}],
        ["translate", "string", [["", " "]], {"n_best": 2}],
        ["score", "string", [[], []], {}],
        ["score", "string", [TEXTS, TEXTS[::-1]], {}],
    ]
    return ask_stranger(exported.folder / "text", ["seq2seq_tf"], calls)


@pytest.fixture(scope="module")
def ids_model(exported: Exported, translator: Translator) -> dict[str, Any]:
    """Answers of ids/: each of SEARCHES, one unpadded row, no row, scores."""
    assert exported.ended.code == 0, exported.ended.stderr
    source = padded(translator, TEXTS)
    calls = [["translate_ids", "int32", [source], options] for options in SEARCHES]
    calls += [
        ["translate_ids", "int32", [padded(translator, TEXTS[1:2])], {}],
        ["translate_ids", "int32", [np.zeros([0, 1]).tolist()], {}],
        ["score_ids", "int32", [source, padded(translator, TEXTS[::-1])], {}],
    ]
    calls[-2][2] = [[[PAD_ID]]]  # replaced below: JSON cannot say [0, 1]
    return ask_stranger(exported.folder / "ids", ["seq2seq_tf", "tensorflow_text"], calls)
