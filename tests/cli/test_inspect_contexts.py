"""seq2seq-inspect contexts as a user runs it: one curve per run and one of n-grams."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import language_models
from tests.inspected import PNG, Inspected, inspect, ok
from tests.trained import assert_one_error_line


@pytest.fixture(scope="module")
def inspected(caption_run: Path, language_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Inspected:
    folder = tmp_path_factory.mktemp("inspect")
    data = language_run.parent / "text"
    settings = language_models.config(data, train__max_epochs=1, model__cell="window", model__window=3)
    language_models.train(folder / "markov", settings)
    outputs = [f"--{kind}={folder / 'found'}.{kind}" for kind in ("png", "json")]
    lstm, window, captions = (f"--model_dir={run}" for run in (language_run, folder / "markov", caption_run))
    commands = {
        "both": ["contexts", window, lstm, "--lengths=3,1", "--targets=13", f"--out={folder / 'c.html'}", *outputs],
        "captions": ["contexts", lstm, captions],
        "too long": ["contexts", lstm, "--lengths=4000", f"--out={folder / 'x.html'}"],
    }
    return inspect(commands, folder, {})


def test_the_table_has_a_row_for_each_run_and_the_ngrams(inspected: Inspected) -> None:
    header, _, *lines = ok(inspected, "both").splitlines()
    assert header.split() == ["model", "kind", "parameters", "updates", "1", "3", "all"]
    assert [line.split()[0] for line in lines[:3]] == ["n-grams", "markov", "run"]
    assert "window 3" in lines[1]
    assert lines[1].split()[-2] == lines[1].split()[-1]  # the window is full
    assert "13 of the text's" in lines[4]


def test_page_picture_and_numbers_are_written(inspected: Inspected) -> None:
    printed = ok(inspected, "both")
    stored = json.loads((inspected.folder / "found.json").read_text(encoding="utf-8"))
    assert [list(curve["values"]) for curve in stored["curves"]] == [["1", "3"]] * 3
    page = (inspected.folder / "c.html").read_text(encoding="utf-8")
    for curve in stored["curves"]:
        for value in curve["values"].values():
            assert f"{value:.3f}" in page
            assert f"{value:.3f}" in printed
    assert (inspected.folder / "found.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("captions", ["captioning", "language_model"]),
        ("too long", ["more than 4000 tokens", "--lengths"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(inspected: Inspected, name: str, words: list[str]) -> None:
    assert_one_error_line(inspected.ended[name], *words)
    assert not (inspected.folder / "x.html").exists()
