"""seq2seq-inspect as a user starts it: maps and alignments, units, gradients; mistakes are one line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.inspection.attention import word_alignment
from seq2seq_tf.tasks.captioning.captioner import build_model
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.captioning.grammar import all_words
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator
from seq2seq_tf.text.words import WordTokenizer, write_word_tokenizer
from seq2seq_tf.training import checkpoint
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.weights import model_variables
from tests import language_models, oracles
from tests.trained import Call, Ended, assert_one_error_line, copy_run, run_program, run_programs

PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = ["ka be du", "lo"]


class Inspected(NamedTuple):
    """Every slow start of this file, and the folder with what they wrote."""

    ended: dict[str, Ended]
    folder: Path


@pytest.fixture(scope="module")
def caption_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioner with random weights."""
    sizes = {"filters": 3, "embedding_units": 5, "decoder_units": 13, "attention_units": 11, "output_units": 7}
    options = {**{f"model.{name}": value for name, value in sizes.items()}, "search.max_words": 5}
    run = RunDir(str(tmp_path_factory.mktemp("captions") / "run"))
    config = run.create(
        load(None, {**options, "train.precision": "float32", "train.shards": 1}, CaptioningConfig).config
    )
    write_word_tokenizer(all_words(), run.labels)
    model = build_model(config, WordTokenizer(run.labels))
    oracles.randomise(model, np.random.default_rng(11), 0.4)
    checkpoint.save(run.final_model, model_variables(model), {"update": 0, "score": 0.0})
    return Path(run.path)


@pytest.fixture(scope="module")
def language_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language")
    data = language_models.write_folder(folder / "text")
    language_models.train(folder / "run", language_models.config(data, train__max_epochs=1))
    return folder / "run"


@pytest.fixture(scope="module")
def inspected(
    toy_run: Path, caption_run: Path, language_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Inspected:
    folder = tmp_path_factory.mktemp("inspect")
    toy, captions, language = (f"--model_dir={run}" for run in (toy_run, caption_run, language_run))
    (folder / "lines").write_text("ka be\ndu lo ka\nbe\n" * 3, encoding="utf-8")
    two = [f"--text={text}" for text in TEXTS]
    both = ["--units=encoder/layer_0/backward/h/3,decoder/layer_0/c/5", f"--png={folder / 'unit.png'}"]
    commands = {
        "page": ["attention", toy, *two, "--text=\u200b", f"--out={folder / 'maps.html'}"],
        "piped": ["attention", toy, f"--out={folder / 'map.png'}", "--beam_size=1"],
        "captions": ["attention", captions, "--scene=5", "--scenes=2", f"--out={folder / 'captions.html'}"],
        "units": ["units", language, f"--out={folder / 'units.html'}", f"--json={folder / 'u.json'}", "--pattern=m."],
        "both sides": ["units", toy, f"--text={folder / 'lines'}", f"--out={folder / 'sides.html'}", *both],
        "run": ["gradients", language, f"--out={folder / 'run.html'}", f"--json={folder / 'run.json'}", "--steps=7"],
        "pairs": ["gradients", toy, f"--out={folder / 'pairs.html'}", "--sequences=3", f"--png={folder / 'p.png'}"],
        "cells": ["gradients", "--compare=cells", "--hidden=7", "--directions=7", f"--out={folder / 'cells.html'}"],
        "toy": ["gradients", "--toy", "--x=-0.5,0,-1"],
        "unknown unit": ["units", language, "--units=layer_0/h/99", f"--out={folder / 'x.html'}"],
        "no text": ["attention", toy],
        "no folder": ["attention", toy, "--text=ka", f"--out={folder / 'missing' / 'x.png'}"],
        "no attention": ["attention", language, "--text=ka"],
        "no maps": ["attention", f"--model_dir={without_attention(toy_run, folder)}", "--text=ka"],
        "words for a translator": ["attention", toy, "--text=ka", "--max_words=3"],
        "text for a captioner": ["attention", captions, "--text=ka"],
        "nothing to caption": ["attention", captions],
        "no units": ["units", captions],
        "no gradients": ["gradients", captions],
        "no held-out text": ["gradients", f"--model_dir={copy_run(language_run, folder / 'freed')}"],
        "sizes of a translator": ["gradients", toy, "--compare=cells"],
    }
    calls = {name: Call("inspect", flags, b"\nka be\r\n  \n\xef\xbf\xbd\nlo\n") for name, flags in commands.items()}
    calls["no text"] = calls["no text"]._replace(stdin=b"\n")
    return Inspected(run_programs(calls), folder)


def without_attention(run: Path, folder: Path) -> Path:
    """Returns a run folder whose configuration says that its model has no attention."""
    copy = copy_run(run, folder / "plain")
    text = (copy / "config.yaml").read_text(encoding="utf-8")
    (copy / "config.yaml").write_text(text.replace("attention: bahdanau", "attention: none"), encoding="utf-8")
    return copy


def ok(inspected: Inspected, name: str) -> str:
    """Returns what a program printed that ended well."""
    ended = inspected.ended[name]
    assert ended.code == 0, ended
    return ended.stdout


def pharaoh(found: Hypothesis) -> str:
    return " ".join(f"{source}-{target}" for source, target in word_alignment(found))


def test_a_page_holds_all_sentences_and_alignments_are_printed(inspected: Inspected, translator: Translator) -> None:
    found = translator.translate(TEXTS, attention=True)
    expected = [f"{text} ||| {h.text} ||| {pharaoh(h)}" for text, h in zip(TEXTS, found, strict=True)]
    assert ok(inspected, "page").splitlines() == expected
    page = (inspected.folder / "maps.html").read_text(encoding="utf-8")
    assert page.count('class="map"') == 2
    assert "ka be du" in page
    assert "1 text left out: nothing to read" in inspected.ended["page"].stderr


def test_lines_on_standard_input_give_numbered_pictures(inspected: Inspected) -> None:
    assert [line.partition(" ||| ")[0] for line in ok(inspected, "piped").splitlines()] == ["ka be", "lo"]
    pictures = [(inspected.folder / f"map_{n}.png").read_bytes() for n in (1, 2)]
    assert all(picture.startswith(PNG) for picture in pictures)
    assert pictures[0] != pictures[1]


def test_captions_are_shown_over_their_images(inspected: Inspected) -> None:
    lines = ok(inspected, "captions").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["scene 5", "scene 0", "scene 1"]
    page = (inspected.folder / "captions.html").read_text(encoding="utf-8")
    assert page.count('class="frames"') == 3
    assert all(line in page for line in lines)


def test_units_are_searched_on_the_held_out_text(inspected: Inspected) -> None:
    printed = ok(inspected, "units")
    (stored,) = json.loads((inspected.folder / "u.json").read_text(encoding="utf-8"))
    assert stored["units"] == 26  # 13 units, h and c
    names = [entry["name"] for entry in stored["properties"]]
    assert "matches m." in names
    assert "inside_if_condition" not in names  # the text is no Python source
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
    assert written == ["p_flow.png", "p_gates.png"]  # the toy run writes no line of metrics before it ends


def test_cells_are_compared_without_a_run(inspected: Inspected) -> None:
    printed = ok(inspected, "cells")
    assert [line.split()[0] for line in printed.splitlines()[2:]] == ["rnn", "gru", "lstm", "lstm"]
    page = (inspected.folder / "cells.html").read_text(encoding="utf-8")
    assert "The norms of Jacobians are exact." in page


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no text", ["--text"]),
        ("no folder", ["missing", "cannot be written"]),
        ("no attention", ["language_model", "translation and captioning"]),
        ("no maps", ["plain", "model.attention is none"]),
        ("sizes of a translator", ["translation", "language_model"]),
        ("words for a translator", ["--max_words"]),
        ("text for a captioner", ["--text", "captioning"]),
        ("nothing to caption", ["--image", "--scenes"]),
        ("unknown unit", ["layer_0/h/99", "layer_0/h/9"]),
        ("no units", ["captioning"]),
        ("no gradients", ["captioning"]),
        ("no held-out text", ["--text must name", "freed/data"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(inspected: Inspected, name: str, words: list[str]) -> None:
    assert_one_error_line(inspected.ended[name], *words)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--model_dir=run", "--text=ka"], ["unknown command", "attention, units, gradients"]),
        (["attention", "--text=ka"], ["--model_dir"]),
        (["units", "--model_dir=nowhere"], ["nowhere", "not a run folder"]),
        (["attention", "--model_dir=run", "--out=x.pdf"], ["--out", ".png", ".html"]),
        (["units", "--model_dir=run", "--pattern=("], ["regular expression"]),
        (["gradients"], ["--model_dir", "--compare", "--toy"]),
        (["gradients", "--toy", "--x=1,a"], ["--x", "numbers"]),
        (["gradients", "--toy", "--x=1"], ["--x", "two or more"]),
    ],
)
def test_mistakes_in_flags_show_before_tensorflow_is_imported(flags: list[str], words: list[str]) -> None:
    assert_one_error_line(run_program(Call("inspect", flags)), *words)


def test_the_toy_prints_each_factor_and_their_product(inspected: Inspected) -> None:
    """The numbers of the hand-made example in tests/inspection/test_toy_recurrence.py."""
    printed = ok(inspected, "toy")
    (equation,) = re.findall(r"dh_3/dh_1 = (\S+) \* (\S+) = (\S+)", printed)
    first, second, product = map(float, equation)
    assert first == pytest.approx(3 * (1 - np.tanh(1.0) ** 2), rel=1e-5)
    assert product == pytest.approx(first * second, rel=1e-5)
    automatic = float(printed.split()[-1])
    assert automatic == pytest.approx(product, rel=1e-3)


def test_help_lists_the_commands_and_the_flags_of_each() -> None:
    commands = run_program(Call("inspect", ["--help"]))
    assert all(command in commands.stdout for command in ("attention", "units", "gradients"))
    flags = run_program(Call("inspect", ["units", "--help"]))
    assert (flags.code, flags.stderr) == (0, "")
    assert "--property_kind" in flags.stdout
