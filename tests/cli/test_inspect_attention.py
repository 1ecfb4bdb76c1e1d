"""seq2seq-inspect attention as a user runs it: maps and alignments of sentences, captions over their images."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq_tf.inspection.attention import word_alignment
from seq2seq_tf.tasks.translation.translator import Hypothesis, Translator
from tests.inspected import PNG, Inspected, inspect, ok
from tests.trained import assert_one_error_line, copy_run

TEXTS = ["ka be du", "lo"]


@pytest.fixture(scope="module")
def inspected(
    toy_run: Path, caption_run: Path, language_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Inspected:
    folder = tmp_path_factory.mktemp("inspect")
    toy, captions, language = (f"--model_dir={run}" for run in (toy_run, caption_run, language_run))
    two = [f"--text={text}" for text in TEXTS]
    commands = {
        "page": ["attention", toy, *two, "--text=\u200b", f"--out={folder / 'maps.html'}"],
        "piped": ["attention", toy, f"--out={folder / 'map.png'}", "--beam_size=1"],
        "captions": ["attention", captions, "--scene=5", "--scenes=2", f"--out={folder / 'captions.html'}"],
        "no text": ["attention", toy],
        "no folder": ["attention", toy, "--text=ka", f"--out={folder / 'missing' / 'x.png'}"],
        "no attention": ["attention", language, "--text=ka"],
        "no maps": ["attention", f"--model_dir={without_attention(toy_run, folder)}", "--text=ka"],
        "words for a translator": ["attention", toy, "--text=ka", "--max_words=3"],
        "text for a captioner": ["attention", captions, "--text=ka"],
        "nothing to caption": ["attention", captions],
    }
    return inspect(commands, folder, {"no text": b"\n"})


def without_attention(run: Path, folder: Path) -> Path:
    """Returns a run folder whose configuration specifies a model without attention."""
    copy = copy_run(run, folder / "plain")
    text = (copy / "config.yaml").read_text(encoding="utf-8")
    (copy / "config.yaml").write_text(text.replace("attention: bahdanau", "attention: none"), encoding="utf-8")
    return copy


def pharaoh(found: Hypothesis) -> str:
    return " ".join(f"{source}-{target}" for source, target in word_alignment(found))


def test_a_page_contains_all_sentences_and_alignments_are_printed(inspected: Inspected, translator: Translator) -> None:
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


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no text", ["--text"]),
        ("no folder", ["missing", "cannot be written"]),
        ("no attention", ["language_model", "translation and captioning"]),
        ("no maps", ["plain", "model.attention=none"]),
        ("words for a translator", ["--max_words"]),
        ("text for a captioner", ["--text", "captioning"]),
        ("nothing to caption", ["--image", "--scenes"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(inspected: Inspected, name: str, words: list[str]) -> None:
    assert_one_error_line(inspected.ended[name], *words)
