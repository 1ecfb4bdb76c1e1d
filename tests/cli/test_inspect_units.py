"""seq2seq-inspect units as a user runs it: a search on held-out text, and texts coloured by chosen units."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.inspected import PNG, Inspected, inspect, ok
from tests.trained import assert_one_error_line


@pytest.fixture(scope="module")
def inspected(
    toy_run: Path, caption_run: Path, language_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Inspected:
    folder = tmp_path_factory.mktemp("inspect")
    toy, captions, language = (f"--model_dir={run}" for run in (toy_run, caption_run, language_run))
    (folder / "lines").write_text("ka be\ndu lo ka\nbe\n" * 3, encoding="utf-8")
    both = ["--units=encoder/layer_0/backward/h/3,decoder/layer_0/c/5", f"--png={folder / 'unit.png'}"]
    commands = {
        "units": ["units", language, f"--out={folder / 'units.html'}", f"--json={folder / 'u.json'}", "--pattern=m."],
        "both sides": ["units", toy, f"--text={folder / 'lines'}", f"--out={folder / 'sides.html'}", *both],
        "unknown unit": ["units", language, "--units=layer_0/h/99", f"--out={folder / 'x.html'}"],
        "no units": ["units", captions],
    }
    return inspect(commands, folder, {})


def test_units_are_searched_on_the_held_out_text(inspected: Inspected) -> None:
    printed = ok(inspected, "units")
    (stored,) = json.loads((inspected.folder / "u.json").read_text(encoding="utf-8"))
    assert stored["units"] == 26  # 13 units, h and c
    names = [entry["name"] for entry in stored["properties"]]
    assert "matches m." in names
    assert "inside_if_condition" not in names  # the text is not Python source
    page = (inspected.folder / "units.html").read_text(encoding="utf-8")
    for entry in stored["properties"]:
        assert re.search(rf"^{re.escape(entry['name'])} .* {entry['units'][0]['unit']} ", printed, re.MULTILINE)
        assert f"#unit={entry['units'][0]['unit']}" in page


def test_named_units_of_both_sides_of_a_translator_colour_its_texts(inspected: Inspected) -> None:
    printed = ok(inspected, "both sides")
    page = (inspected.folder / "sides.html").read_text(encoding="utf-8")
    units = ["encoder/layer_0/backward/h/3", "decoder/layer_0/c/5"]
    assert re.findall(r"<option[^>]*>(\S+)", page) == units
    for side, unit in zip(("source", "target"), units, strict=True):
        assert f"{side}: " in printed
        assert unit in printed
        assert f">{side.capitalize()}: text coloured by a unit</h2>" in page
        drawn = inspected.folder / f"unit_{side}_{unit.replace('/', '_')}.png"
        assert drawn.read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown unit", ["layer_0/h/99", "layer_0/h/9"]),
        ("no units", ["captioning"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(inspected: Inspected, name: str, words: list[str]) -> None:
    assert_one_error_line(inspected.ended[name], *words)
