"""The file shipped beside a SavedModel checks its arguments and fills in defaults."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.config.search import search_leaves
from seq2seq_tf.search.limits import LengthRule
from seq2seq_tf.search.options import SearchOptions
from seq2seq_tf.tasks.translation.config import TranslationSearchConfig
from seq2seq_tf.tasks.translation.translator import Translator
from tests.toy import environment

TEXTS = ["ba ka", "", "mi nu re lo", "  ", "ka"]


@pytest.fixture(scope="module")
def saved(exported_folder: Path) -> Any:
    spec = importlib.util.spec_from_file_location("saved_translator", exported_folder / "saved_translator.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "dont_write_bytecode", True)  # a test below lists the folder
        spec.loader.exec_module(module)
    return module.SavedTranslator()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"beam_size": 1},
        {"beam_size": np.int64(2)},
        {"length_penalty": 0},
        {"length_penalty": np.float32(0.5)},
        {"allow_unknown": False},
        {"allow_unknown": np.bool_(False)},
    ],
)
def test_it_translates_like_the_python_api(saved: Any, translator: Translator, options: dict[str, Any]) -> None:
    found, expected = saved.translate(TEXTS, **options), translator.translate(TEXTS, **options)
    assert [h.text for h in found] == [h.text for h in expected]
    assert [h.score for h in found] == pytest.approx([h.score for h in expected], rel=1e-4)
    assert saved.translate(TEXTS[0], **options).text == expected[0].text


def test_n_best_gives_a_list_per_text_and_many_texts_keep_their_order(saved: Any, translator: Translator) -> None:
    found, expected = saved.translate(TEXTS * 40, n_best=3), translator.translate(TEXTS * 40, n_best=3)
    assert [[h.text for h in row] for row in found] == [[h.text for h in row] for row in expected]
    assert saved.translate([]) == []


def test_it_scores_like_the_python_api(saved: Any, translator: Translator) -> None:
    assert saved.score(TEXTS, TEXTS[::-1]) == pytest.approx(translator.score(TEXTS, TEXTS[::-1]), rel=1e-4)


@pytest.mark.parametrize(
    ("texts", "options", "kind", "words"),
    [
        (["ba"], {"bean_size": 2}, ValueError, "unknown option 'bean_size'"),
        (["ba"], {"beam_size": 0}, ValueError, "beam_size must be between 1 and 16"),
        (["ba"], {"beam_size": 2.0}, ValueError, "whole number"),
        (["ba"], {"beam_size": True}, ValueError, "whole number"),
        (["ba"], {"allow_unknown": 1}, ValueError, "allow_unknown must be True or False, got 1"),
        (["ba"], {"beam_size": "2"}, ValueError, "beam_size must be a whole number, got '2'"),
        (["ba"], {"beam_size": None}, ValueError, "beam_size must be a whole number, got None"),
        (["ba"], {"n_best": 4, "beam_size": 3}, ValueError, "n_best=4"),
        (["ba"], {"length_penalty": math.nan}, ValueError, "length_penalty"),
        (["ba"], {"max_ratio": "2"}, ValueError, "max_ratio must be a number"),
        (["ba", None], {}, TypeError, r"texts\[1\]"),
        (["ba", b"ka"], {}, TypeError, "bytes"),
        (["\udcff"], {}, ValueError, "UTF-8"),
        (b"ba", {}, TypeError, "list of str"),
        (None, {}, TypeError, "list of str"),
    ],
)
def test_an_invalid_argument_raises_an_exception_that_names_it(
    saved: Any, texts: Any, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        saved.translate(texts, **options)


def test_scoring_refuses_lists_of_different_lengths_and_single_texts(saved: Any) -> None:
    with pytest.raises(ValueError, match="1 and 2"):
        saved.score(["ba"], ["ba", "ka"])
    with pytest.raises(TypeError, match="sources"):
        saved.score("ba", ["ba"])


def test_another_process_must_load_for_itself(saved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="spawn"):
        saved.translate(["ba"])


def test_an_export_contains_what_the_docs_list_and_describes_itself(saved: Any, exported_folder: Path) -> None:
    listed = {"text", "ids", "saved_translator.py", "about.json"}
    assert {path.name for path in exported_folder.iterdir()} == listed
    shown = repr(saved)
    assert shown.startswith(f"<SavedTranslator of '{exported_folder}' (best checkpoint") or "average" in shown


def test_about_describes_the_export(exported_folder: Path, translator: Translator) -> None:
    about = json.loads((exported_folder / "about.json").read_text())
    beam_size = about["options"]["beam_size"]
    assert beam_size.pop("help") == search_leaves(TranslationSearchConfig)["beam_size"].help
    assert beam_size == {"default": 3, "low": 1, "high": 16, "type": "int32"}
    assert {*about["options"], *about["fixed"]} >= {*SearchOptions._fields, *LengthRule._fields}
    assert about["fixed"]["max_source_pieces"] == translator.config.search.max_source_pieces
    assert about["task"] == "translation"
    assert about["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert len(about["tokenizers_sha256"]["source.model"]) == 64


@pytest.mark.slow
def test_as_a_program_it_translates_lines(exported_folder: Path, translator: Translator) -> None:
    command = [sys.executable, "-I", str(exported_folder / "saved_translator.py")]
    done = subprocess.run(
        command, input=b"ba ka\n\nmi nu\r\n\xff\nka\n", capture_output=True, check=False, env=environment()
    )
    expected = [h.text for h in translator.translate(["ba ka", "", "mi nu"])]
    assert done.stdout.decode().splitlines() == expected
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-1] == "error: line 4 of standard input is not UTF-8"
