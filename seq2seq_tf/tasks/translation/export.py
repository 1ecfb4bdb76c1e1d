"""Exports a run as SavedModels, which are compared with the Python API in a fresh process before they are kept.

`OUT/text` maps strings to strings and contains the tokenizer (loading it needs `import tensorflow_text`).
`OUT/ids` maps piece ids to piece ids, for servers without tensorflow-text; the piece models are in the same folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.saved_model import fingerprinting_utils

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import replace_folder, write_text
from seq2seq_tf.machine import ONEDNN, installed
from seq2seq_tf.tasks.translation.served import MAX_SCORED, ServedIds, ServedText, fixed_options, served_options
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator

_ONE_BATCH = 2**30  # tokens
_COMPARED_AT_ONCE = 64  # sentences
# A served model is not trained, and the gradients of the fused recurrences cannot be saved.
_SAVING = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
_TEMPORARY = re.compile(r"\.export-(?P<host>.+)-(?P<process>\d+)-\w+")
_GRADIENT = "_gradient_op_type"  # attribute of an op with a custom gradient
# For log-probabilities. Rounding depends on the shape of a product; bfloat16 has 8 significant bits, float16 11.
_SCORE_TOLERANCE = {"float32": 1e-3, "bfloat16": 1e-2, "float16": 1e-2}


class Comparison(NamedTuple):
    """How closely a reloaded SavedModel agrees with the Python API."""

    sentences: int
    largest_score_difference: float  # of log-probabilities; relative for those below -1


def export(translator: Translator, out: str, sentences: Sequence[str]) -> Comparison:
    """Writes the SavedModels, about.json and saved_translator.py, once a fresh process has reproduced the Python API.

    Args:
      translator: of the run.
      out: folder to create; must not exist yet.
      sentences: real source sentences for the comparison.

    Raises:
      InputError: OUT exists or cannot be written, there are no sentences, or tensorflow-text is not installed.
      RuntimeError: the model cannot be reloaded, or its translations or scores differ; nothing is kept.
    """
    check_tensorflow_text()
    out = os.path.expanduser(out)
    if os.path.exists(out):
        raise InputError(f"{out}: already exists; choose a new folder")
    if not sentences:
        raise InputError("no sentences to compare the SavedModel on")
    parent = os.path.dirname(os.path.abspath(out))
    try:
        os.makedirs(parent, exist_ok=True)
        _remove_abandoned(parent)
        temporary = tempfile.mkdtemp(prefix=f".export-{socket.gethostname()}-{os.getpid()}-", dir=parent)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}") from None
    try:
        _save(translator, temporary)
        comparison = _compare(translator, temporary, list(sentences))
        os.chmod(temporary, 0o755)  # mkdtemp creates private folders; a server must be able to read this one
        replace_folder(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return comparison


def check_tensorflow_text() -> None:
    """Raises InputError if tensorflow-text, whose tokenizer ops only a SavedModel needs, is not installed."""
    if importlib.util.find_spec("tensorflow_text") is None:
        raise InputError(
            "exporting needs the tensorflow-text release that matches TensorFlow (pip install tensorflow-text); it has "
            "no wheel for Windows: export on Linux, macOS or WSL"
        )


def _remove_abandoned(parent: str) -> None:
    """Removes the temporary folders of exports on this computer that were killed."""
    for name in os.listdir(parent):
        found = _TEMPORARY.fullmatch(name)
        if found and found["host"] == socket.gethostname() and not _is_running(int(found["process"])):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # on Windows os.kill would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _save(translator: Translator, folder: str) -> None:
    for served, name in ((ServedText(translator), "text"), (ServedIds(translator), "ids")):
        path = os.path.join(folder, name)
        tf.saved_model.save(served, path, signatures=served.signatures(), options=_SAVING)
        _drop_gradients(path)
    for model, name in ((translator.source, "source.model"), (translator.target, "target.model")):
        shutil.copyfile(model.path, os.path.join(folder, "ids", name))
    shutil.copyfile(_beside("saved_translator.py"), os.path.join(folder, "saved_translator.py"))
    write_text(os.path.join(folder, "about.json"), json.dumps(_about(translator), indent=1) + "\n")


def _drop_gradients(folder: str) -> None:
    """Removes the names of custom gradients: TensorFlow saves nothing else of them, and warns about them on loading."""
    path = os.path.join(folder, "saved_model.pb")
    with open(path, "rb") as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
    for graph in saved.meta_graphs:
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                node.attr.pop(_GRADIENT, None)
    with open(path, "wb") as file:
        file.write(saved.SerializeToString(deterministic=True))
    fingerprinting_utils.write_fingerprint(folder)  # of the changed file


def _about(translator: Translator) -> dict[str, Any]:
    """Returns the contents of about.json, for people and for saved_translator.py."""
    search = translator.config.search
    options = served_options(search)
    tokenizers = {"source.model": translator.source.path, "target.model": translator.target.path}
    return {
        "seq2seq_tf": installed("seq2seq_tf"),
        "tensorflow": installed("tensorflow"),
        ONEDNN: os.environ.get(ONEDNN, ""),
        "task": translator.config.task,
        "weights": {**translator.weights._asdict(), "path": os.path.basename(translator.weights.path)},
        "precision": translator.config.train.precision,
        "tokenizers_sha256": {name: _sha256(path) for name, path in tokenizers.items()},
        "options": {name: {**option._asdict(), "type": option.dtype.name} for name, option in options.items()},
        "fixed": {
            **fixed_options(search),
            "max_source_pieces": search.max_source_pieces,
            "max_scored_pieces": max(MAX_SCORED, search.max_source_pieces),
        },
    }


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compare(translator: Translator, folder: str, sentences: list[str]) -> Comparison:
    """Translates and scores in a fresh process without this package; raises RuntimeError if the results differ."""
    # Both sides use the same batches, so that only the two programs can differ.
    lengths = [len(ids) for ids in translator.source.encode(sentences)]
    sentences = [sentences[n] for n in sorted(range(len(sentences)), key=lambda n: -lengths[n])]
    n_best = min(2, translator.config.search.beam_size)
    chosen = translator.search_options(n_best=n_best, shortlist=0, split_sentences=False)
    search = dataclasses.replace(chosen, batch_tokens=_ONE_BATCH)
    rows = [
        row
        for start in range(0, len(sentences), _COMPARED_AT_ONCE)
        for row in translator.translate_all(sentences[start : start + _COMPARED_AT_ONCE], search)
    ]
    best = [row[0].text for row in rows]
    reloaded = _reload(folder, {"texts": sentences, "targets": best, "n_best": n_best, "batch": _COMPARED_AT_ONCE})
    # The search scores the pieces it chose; scoring a text tokenizes it again, perhaps into others: compare separately.
    expected = translator.score(sentences, best)
    most = max(MAX_SCORED, translator.config.search.max_source_pieces)
    pieces = [len(ids) for ids in translator.target.encode(best)]
    largest = 0.0
    for n, row in enumerate(rows):
        scores = [(h.score, s) for h, s in zip(row, reloaded["scores"][n], strict=False)]
        if max(pieces[n], len(translator.source.encode([sentences[n]])[0])) <= most:
            scores.append((expected[n], reloaded["log_probs"][n]))
        worst = _compare_one(translator, sentences[n], row, reloaded["translations"][n], scores)
        tolerance = _SCORE_TOLERANCE[translator.config.train.precision]
        if not math.isclose(reloaded["ids_scores"][n], row[0].score, rel_tol=tolerance, abs_tol=tolerance):
            raise RuntimeError(f"the reloaded SavedModel for piece ids differs on {sentences[n]!r}")
        largest = max(largest, worst)
    return Comparison(len(sentences), largest)


def _compare_one(
    translator: Translator, sentence: str, row: list[Hypothesis], found: list[str], scores: list[tuple[float, float]]
) -> float:
    """Returns the largest score difference of a sentence; RuntimeError if it is too large or the texts differ."""
    texts = [h.text for h in row]
    differences = [abs(a - b) / max(1.0, abs(a)) for a, b in scores]
    worst = max(differences)
    close = all(d < _SCORE_TOLERANCE[translator.config.train.precision] for d in differences)  # max() may miss NaN
    if found[: len(texts)] != texts or not close:
        raise RuntimeError(
            f"the reloaded SavedModel differs on {sentence!r}: {found} instead of {texts}, scores differ by {worst:g}"
        )
    return worst


def _beside(name: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


def _reload(folder: str, request: dict[str, object]) -> dict[str, list]:
    """Runs reload_check.py in a fresh interpreter that cannot import this package."""
    command = [sys.executable, "-I", _beside("reload_check.py"), folder]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the SavedModel cannot be loaded in a fresh process: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
