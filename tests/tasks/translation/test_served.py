"""SavedModels give the results of the Python API for any input, in a process without this package."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from seq2seq_tf.config.search import search_leaves
from seq2seq_tf.data.batching import make_batch, pad_rows
from seq2seq_tf.search.options import DTYPES
from seq2seq_tf.structures import EOS_ID
from seq2seq_tf.tasks.translation.config import TranslationSearchConfig
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator
from tests.toy import sentences

LONG = "ka be du " * 23  # longer than the run's max_source_pieces
TEXTS = ["", *(" ".join(words) for words in sentences(11, seed=5, longest=9)), LONG, "  "]
PAIRS = (TEXTS, TEXTS[::-1])
WORDS = [text for text in TEXTS if text.strip()]  # for ids/, which has no rule for empty texts
LONG_PAIRS = ([LONG * 60, WORDS[0]], [WORDS[0], LONG * 60])  # more pieces than are scored
SEARCHES: dict[str, dict[str, float]] = {
    "defaults": {},
    "greedy": {"beam_size": 1},
    "greedy without penalty": {"beam_size": 1, "length_penalty": 0.0},
    "n-best": {"n_best": 3},
    "no penalty": {"beam_size": 2, "n_best": 2, "length_penalty": 0.0},
    "large beam": {"beam_size": 7, "n_best": 5, "length_penalty": 2.5},
    "short": {"max_ratio": 0.3},
    "long": {"beam_size": 1, "min_ratio": 1.5},
    "without the unknown token": {"allow_unknown": False},
}
CLIPPED: dict[str, tuple[dict[str, float], dict[str, float]]] = {  # given -> equivalent
    "beam of zero": ({"beam_size": 0, "n_best": 5}, {"beam_size": 1}),
    "n-best past the beam": ({"beam_size": 2, "n_best": 5}, {"beam_size": 2, "n_best": 2}),
    "n-best below one": ({"n_best": -3}, {"n_best": 1}),
    "huge beam": ({"beam_size": 1000}, {"beam_size": 16}),
    "negative penalty": ({"length_penalty": -1.0}, {"length_penalty": 0.0}),
    "negative and huge ratio": ({"max_ratio": -1.0, "min_ratio": 1e9}, {"max_ratio": 0.0, "min_ratio": 2.0}),
    "infinite ratio": ({"max_ratio": math.inf}, {"max_ratio": 4.0}),
    "no number": ({"length_penalty": math.nan, "max_ratio": math.nan, "min_ratio": math.nan}, {}),
}

pytestmark = pytest.mark.filterwarnings("ignore:text .*cut from")

# Loads a SavedModel and calls it; prints the outputs of each call by name, as lists. Then one thread calls it
# incorrectly, and while that thread is alive another one calls it correctly.
STRANGER = """
import json, sys, threading
request = json.load(sys.stdin)
for name in request["blocked"]:
    sys.modules[name] = None
import tensorflow as tf
if "tensorflow_text" not in request["blocked"]:
    import tensorflow_text

def plain(x):
    return [plain(y) for y in x] if isinstance(x, list) else x.decode() if isinstance(x, bytes) else x

def ask(call):
    inputs = [tf.constant(values, dtype, shape) for values, dtype, shape in call["inputs"]]
    if not call["options"]:
        return getattr(model, call["function"])(*inputs)
    options = {name: tf.constant(value, dtype) for name, (value, dtype) in call["options"].items()}
    return model.signatures["serving_default"](**dict(zip(call["names"], inputs)), **options)

model = tf.saved_model.load(request["folder"])
answers = {}
for name, call in request["calls"].items():
    answers[name] = {output: plain(x.numpy().tolist()) for output, x in ask(call).items()}

errors, over = [], threading.Event()
def wrong():
    call = request["calls"]["defaults"]
    given = [tf.constant(values, dtype, shape) for values, dtype, shape in call["inputs"]]
    for function in (getattr(model, call["function"]), model.signatures["serving_default"]):
        for args, kwargs in [((), {}), (given * 2, {}), ([1.5], {}), (given, {"beam_size": 2.5}), (given, {"bean": 1})]:
            try:
                function(*args, **kwargs)
            except Exception as error:
                errors.append(type(error).__name__)
    over.wait(30)
first = threading.Thread(target=wrong, daemon=True)
first.start()
while len(errors) < 10 and first.is_alive():
    first.join(0.05)
second = threading.Thread(target=lambda: [ask(request["calls"][name]) for name in request["again"]], daemon=True)
second.start()
second.join(60)
answers["threads"] = {"errors": errors, "blocked": [second.is_alive()]}
over.set()
print(json.dumps(answers), flush=True)
"""
Answers = dict[str, dict[str, list[Any]]]


NAMES = {"translate": ["texts"], "score": ["sources", "targets"], "translate_ids": ["source"], "score_ids": []}


def call(function: str, *inputs: Any, **options: float) -> dict[str, Any]:
    """Returns a call for STRANGER; inputs are lists of str or rows of ids."""
    arrays = [np.array(x, object if function in ("translate", "score") else np.int32) for x in inputs]
    tensors = [[x.ravel().tolist(), "string" if x.dtype == object else "int32", list(x.shape)] for x in arrays]
    return {"function": function, "names": NAMES[function], "inputs": tensors, "options": options}


def ask_stranger(folder: Path, blocked: list[str], calls: dict[str, dict[str, Any]]) -> Answers:
    """Calls a SavedModel in a fresh, isolated interpreter in which the `blocked` packages cannot be imported."""
    known = json.loads((folder.parent / "about.json").read_text())["options"]
    for one in calls.values():  # in Python a signature requires every input
        if one["options"]:
            chosen = {**{name: option["default"] for name, option in known.items()}, **one["options"]}
            one["options"] = {name: [value, known[name]["type"]] for name, value in chosen.items()}
    request = {"folder": str(folder), "blocked": blocked, "calls": calls, "again": ["defaults", "greedy", "score"]}
    command = [sys.executable, "-I", "-c", STRANGER]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "gradient" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def padded(translator: Translator, texts: list[str], *, cut: bool = True) -> np.ndarray:
    most = translator.config.search.max_source_pieces if cut else 10_000
    return pad_rows(translator.encode_sources(texts, most), last=EOS_ID)


@pytest.fixture(scope="module")
def text_answers(exported_folder: Path) -> Answers:
    """The answers of text/, in a process without this package."""
    searches = {**SEARCHES, **{name: given for name, (given, _) in CLIPPED.items()}}
    calls = {name: call("translate", TEXTS, **options) for name, options in searches.items()}
    calls["no text"] = call("translate", [], n_best=2)
    calls["empty texts"] = call("translate", ["", " "], n_best=2)
    calls["score"] = call("score", *PAIRS)
    calls["score nothing"] = call("score", [], [])
    calls["score long ones"] = call("score", [*LONG_PAIRS[0], WORDS[0]], [*LONG_PAIRS[1], WORDS[0]])
    return ask_stranger(exported_folder / "text", ["seq2seq_tf"], calls)


@pytest.fixture(scope="module")
def ids_answers(exported_folder: Path, translator: Translator) -> Answers:
    """The answers of ids/, in a process without this package and without tensorflow-text."""
    source = padded(translator, WORDS)
    calls = {name: call("translate_ids", source, **options) for name, options in SEARCHES.items()}
    calls["one row"] = call("translate_ids", padded(translator, WORDS[1:2]))
    calls["no row"] = call("translate_ids", np.zeros([0, 1]))
    calls["long row"] = call("translate_ids", padded(translator, [LONG * 3], cut=False))
    calls["score"] = call("score_ids", *(pad_rows(translator.source.encode(texts), last=EOS_ID) for texts in PAIRS))
    return ask_stranger(exported_folder / "ids", ["seq2seq_tf", "tensorflow_text"], calls)


def assert_same_translations(answer: dict[str, list[Any]], rows: list[list[Hypothesis]]) -> None:
    """Asserts that a SavedModel gives the strings and scores of the Python API, and no further hypotheses."""
    for n, row in enumerate(rows):
        assert answer["translations"][n][: len(row)] == [h.text for h in row]
        np.testing.assert_allclose(answer["scores"][n][: len(row)], [h.score for h in row], rtol=1e-4)
        np.testing.assert_allclose(answer["log_probs"][n][: len(row)], [h.log_prob for h in row], rtol=1e-4)
        assert set(answer["translations"][n][len(row) :]) <= {""}
        assert all(score < -1e8 for score in answer["scores"][n][len(row) :])


@pytest.mark.kernels
@pytest.mark.parametrize("name", SEARCHES)
def test_strings_and_scores_are_those_of_the_python_api(
    text_answers: Answers, translator: Translator, name: str
) -> None:
    search = translator.search_options(**SEARCHES[name])
    assert_same_translations(text_answers[name], translator.translate_all(TEXTS, search))
    assert {len(row) for row in text_answers[name]["translations"]} == {search.n_best}


@pytest.mark.parametrize("name", SEARCHES)
def test_ids_are_those_of_the_python_api_without_tensorflow_text(
    ids_answers: Answers, translator: Translator, name: str
) -> None:
    found = translator.search_ids(padded(translator, WORDS), translator.search_options(**SEARCHES[name]))
    np.testing.assert_array_equal(ids_answers[name]["tokens"], found.tokens)
    np.testing.assert_array_equal(ids_answers[name]["lengths"], found.lengths)
    np.testing.assert_allclose(ids_answers[name]["scores"], found.scores, rtol=1e-4)
    np.testing.assert_allclose(ids_answers[name]["log_probs"], found.log_probs, rtol=1e-4)


def test_ids_of_a_row_do_not_depend_on_the_others(ids_answers: Answers) -> None:
    alone, together = ids_answers["one row"], ids_answers["defaults"]
    length = alone["lengths"][0][0]
    assert alone["tokens"][0][0] == together["tokens"][1][0][:length]


@pytest.mark.parametrize("name", CLIPPED)
def test_options_out_of_range_are_clipped(text_answers: Answers, translator: Translator, name: str) -> None:
    meant = translator.search_options(**CLIPPED[name][1])
    assert_same_translations(text_answers[name], translator.translate_all(TEXTS, meant))


def test_empty_texts_stay_empty_and_an_empty_batch_gives_nothing(text_answers: Answers, ids_answers: Answers) -> None:
    for answer, rows in ((text_answers["empty texts"], 2), (text_answers["no text"], 0)):
        assert answer["translations"] == [["", ""]] * rows
        assert answer["scores"] == answer["log_probs"] == [[0.0, 0.0]] * rows
    for place in (0, -1):
        assert text_answers["defaults"]["translations"][place] == [""]
        assert text_answers["defaults"]["scores"][place] == [0.0]
    assert text_answers["score nothing"]["log_probs"] == []
    assert ids_answers["no row"]["scores"] == []


@pytest.mark.kernels
def test_scores_of_pairs_are_those_of_the_python_api(
    text_answers: Answers, ids_answers: Answers, translator: Translator
) -> None:
    expected = translator.score(*PAIRS)
    np.testing.assert_allclose(text_answers["score"]["log_probs"], expected, rtol=1e-4)
    np.testing.assert_allclose(ids_answers["score"]["log_probs"], expected, rtol=1e-4)


def test_pairs_too_long_to_score_get_nan_without_affecting_the_others(
    text_answers: Answers, translator: Translator
) -> None:
    *long, short = text_answers["score long ones"]["log_probs"]
    assert all(math.isnan(value) for value in long)
    assert short == pytest.approx(translator.score([WORDS[0]], [WORDS[0]])[0], rel=1e-4)


def test_a_row_of_ids_that_is_too_long_is_truncated(ids_answers: Answers, translator: Translator) -> None:
    expected = translator.search_ids(padded(translator, [LONG * 3]), translator.config.search)
    assert ids_answers["long row"]["tokens"] == expected.tokens.numpy().tolist()


def test_wrong_calls_of_one_thread_do_not_block_the_others(text_answers: Answers, ids_answers: Answers) -> None:
    for answers in (text_answers, ids_answers):
        assert answers["threads"]["blocked"] == [False]
        assert len(answers["threads"]["errors"]) == 10


def test_attention_of_pairs_is_that_of_the_python_api(
    text_answers: Answers, ids_answers: Answers, translator: Translator
) -> None:
    sources, targets = (translator.source.encode(texts) for texts in PAIRS)
    _, expected = translator.score_ids(*make_batch(sources, targets))
    for answer in (text_answers["score"], ids_answers["score"]):
        attention = np.array(answer["attention"])  # [B, T, S]
        assert attention.shape == expected.shape
        for n, (source, target) in enumerate(zip(sources, targets, strict=True)):
            real = attention[n, : len(target) + 1, : len(source) + 1]
            np.testing.assert_allclose(real.sum(1), 1.0, rtol=1e-5)
            np.testing.assert_allclose(real, expected[n, : len(target) + 1, : len(source) + 1], atol=1e-5)


def read_signatures(folder: Path) -> dict[str, Any]:
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    return {name: s for name, s in graph.signature_def.items() if not name.startswith("__")}


def described(tensors: Any) -> dict[str, str]:
    """Returns name -> 'int32 [?, ?]' of the inputs or outputs of a signature."""
    return {
        name: f"{tf.as_dtype(x.dtype).name} {[d.size if d.size >= 0 else '?' for d in x.tensor_shape.dim]}".replace(
            "'", ""
        )
        for name, x in tensors.items()
    }


EVER = {name: "float32 []" for name in ("length_penalty", "max_ratio", "min_ratio")}
EVER |= {name: "int32 []" for name in ("beam_size", "n_best")}  # used by clients of the first exports
LEAVES = search_leaves(TranslationSearchConfig)
OPTIONS = {name: f"{DTYPES[leaf.type].name} []" for name, leaf in LEAVES.items() if leaf.served}
BY_TEXT = {
    "translations": "string [?, ?]",
    "scores": "float32 [?, ?]",
    "log_probs": "float32 [?, ?]",
}
BY_IDS = {
    "tokens": "int32 [?, ?, ?]",
    "lengths": "int32 [?, ?]",
    "scores": "float32 [?, ?]",
    "log_probs": "float32 [?, ?]",
}
SCORED = {"log_probs": "float32 [?]", "attention": "float32 [?, ?, ?]"}
IDS = {"source": "int32 [?, ?]", **OPTIONS}
PAIR_OF_IDS = {"source": "int32 [?, ?]", "target": "int32 [?, ?]"}
DOCUMENTED = {
    "text": {
        "serving_default": ({"texts": "string [?]", **OPTIONS}, BY_TEXT),
        "translate_ids": (IDS, BY_IDS),
        "score": ({"sources": "string [?]", "targets": "string [?]"}, SCORED),
        "score_ids": (PAIR_OF_IDS, SCORED),
    },
    "ids": {"serving_default": (IDS, BY_IDS), "score_ids": (PAIR_OF_IDS, SCORED)},
}


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_signatures_have_the_documented_names_types_and_shapes(exported_folder: Path, kind: str) -> None:
    assert OPTIONS.items() >= EVER.items()
    found = read_signatures(exported_folder / kind)
    assert {name: (described(s.inputs), described(s.outputs)) for name, s in found.items()} == DOCUMENTED[kind]


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_defaults_of_the_signatures_are_the_options_of_the_run(
    exported_folder: Path, kind: str, translator: Translator
) -> None:
    signatures = read_signatures(exported_folder / kind)
    assert translator.config.search != TranslationSearchConfig()  # otherwise the test would prove nothing
    for name in {"serving_default", "translate_ids"} & set(signatures):
        defaults = {option: tf.make_ndarray(x).item() for option, x in signatures[name].defaults.items()}
        assert defaults == {option: getattr(translator.config.search, option) for option in OPTIONS}
