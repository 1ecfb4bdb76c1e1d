"""seq2seq-inspect gradients as a user runs it: of a run, of untrained cells, of a toy calculated by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.inspected import Inspected, inspect, ok
from tests.trained import assert_one_error_line, copy_run


@pytest.fixture(scope="module")
def inspected(
    toy_run: Path, caption_run: Path, language_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Inspected:
    folder = tmp_path_factory.mktemp("inspect")
    toy, captions, language = (f"--model_dir={run}" for run in (toy_run, caption_run, language_run))
    commands = {
        "run": ["gradients", language, f"--out={folder / 'run.html'}", f"--json={folder / 'run.json'}", "--steps=7"],
        "pairs": ["gradients", toy, f"--out={folder / 'pairs.html'}", "--sequences=3", f"--png={folder / 'p.png'}"],
        "cells": ["gradients", "--compare=cells", "--hidden=7", "--directions=7", f"--out={folder / 'cells.html'}"],
        "toy": ["gradients", "--toy", "--x=-0.5,0,-1"],
        "no gradients": ["gradients", captions],
        "no held-out text": ["gradients", f"--model_dir={copy_run(language_run, folder / 'freed')}"],
        "sizes of a translator": ["gradients", toy, "--compare=cells"],
    }
    return inspect(commands, folder, {})


def test_gradients_of_a_run_are_shown_trained_and_untrained(inspected: Inspected) -> None:
    ok(inspected, "run")
    stored = json.loads((inspected.folder / "run.json").read_text(encoding="utf-8"))
    assert list(stored["flows"]) == ["trained", "untrained"]
    assert stored["flows"]["trained"]["loss"] < stored["flows"]["untrained"]["loss"]
    assert [(c["cell"], c["part"], len(c["loss"])) for c in stored["flows"]["trained"]["curves"]] == [
        ("layer_0", "h", 7),
        ("layer_0", "c", 7),
    ]
    assert stored["updates"]["clip_norm"] == 1.0
    assert len(stored["updates"]["updates"]) > 1
    page = (inspected.folder / "run.html").read_text(encoding="utf-8")
    assert page.count("<img") == 3
    assert "Clipping" in page


def test_gradients_of_a_translator_are_shown_for_encoder_and_decoder(inspected: Inspected) -> None:
    printed = ok(inspected, "pairs")
    for cell in ("encoder/layer_0/forward", "encoder/layer_0/backward", "decoder/layer_0"):
        assert len(re.findall(rf"^(un)?trained +{cell} +[hc] ", printed, re.MULTILINE)) == 4
    written = sorted(path.name for path in inspected.folder.glob("p_*.png"))
    assert written == ["p_flow.png", "p_gates.png"]  # the toy run logs no update, so there is no curve of them


def test_cells_are_compared_without_a_run(inspected: Inspected) -> None:
    printed = ok(inspected, "cells")
    assert [line.split()[0] for line in printed.splitlines()[2:]] == ["rnn", "gru", "lstm", "lstm"]
    page = (inspected.folder / "cells.html").read_text(encoding="utf-8")
    assert "The norms of the Jacobians are exact." in page


def test_the_toy_prints_each_factor_and_their_product(inspected: Inspected) -> None:
    """The numbers are those calculated by hand in tests/inspection/test_toy_recurrence.py."""
    printed = ok(inspected, "toy")
    (equation,) = re.findall(r"dh_3/dh_1 = (\S+) \* (\S+) = (\S+)", printed)
    first, second, product = map(float, equation)
    assert first == pytest.approx(3 * (1 - np.tanh(1.0) ** 2), rel=1e-5)
    assert product == pytest.approx(first * second, rel=1e-5)
    automatic = float(printed.split()[-1])
    assert automatic == pytest.approx(product, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sizes of a translator", ["translation", "language_model"]),
        ("no gradients", ["captioning"]),
        ("no held-out text", ["--text must name", "freed/data"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(inspected: Inspected, name: str, words: list[str]) -> None:
    assert_one_error_line(inspected.ended[name], *words)
