"""Characters that any installed font has are drawn; the others are reported once, with the package to install."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image

from seq2seq_tf.inspection import fonts
from seq2seq_tf.inspection.attention import attention_png
from seq2seq_tf.inspection.fonts import dress, families, figure_png
from seq2seq_tf.tasks.translation.translator import Hypothesis

PACKAGE = Path(__file__).resolve().parents[2] / "seq2seq_tf"
SANS = ["sans-serif"]


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Simulates a machine that has only the fonts shipped with matplotlib."""
    manager: Any = font_manager.fontManager
    bundled = [entry for entry in manager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(manager, "ttflist", bundled)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    manager._findfont_cached.cache_clear()
    fonts._installed.cache_clear()
    yield
    manager._findfont_cached.cache_clear()
    fonts._installed.cache_clear()


def make_font(folder: Path, family: str, characters: str) -> str:
    """Writes a font that has a black square for each of the characters, and no other glyphs."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 1000), (1000, 1000), (1000, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    names = [".notdef", "square"]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(c): "square" for c in characters})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=1000, descent=0)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = str(folder / f"{family}.ttf")
    builder.save(path)
    return path


def install(folder: Path, family: str, characters: str) -> None:
    font_manager.fontManager.addfont(make_font(folder, family, characters))


def picture(text: str) -> np.ndarray:
    """Returns the pixels of a text, 0 black; a warning is an error."""
    figure = Figure(figsize=(3, 1))
    figure.text(0.1, 0.3, text, size=40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return np.asarray(Image.open(io.BytesIO(figure_png(figure))).convert("L"))


def test_a_text_gets_only_the_fonts_that_it_needs(tmp_path: Path) -> None:
    install(tmp_path, "Squares", "क")
    assert families(["ka Ω \n\t\u200d"], SANS) == SANS
    assert families(["ka", "क"], SANS) == ["sans-serif", "Squares"]
    assert families(["क"], ["sans-serif", "Squares"]) == ["sans-serif", "Squares"]  # already dressed


def test_a_character_is_drawn_with_the_font_that_has_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes = picture("कक")
    assert "Devanagari" in capsys.readouterr().err
    install(tmp_path, "Squares", "क")
    fonts._installed.cache_clear()
    drawn = picture("कक")
    assert np.mean(drawn < 50) > 1.3 * np.mean(boxes < 50)  # squares are completely black
    assert capsys.readouterr().err == ""


def test_a_font_installed_after_matplotlib_made_its_list_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    found = [str(broken), make_font(tmp_path, "New", "ก")]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: found)
    assert families(["ก"], SANS) == ["sans-serif", "New"]


def test_enough_fonts_are_chosen_for_all_characters_those_with_most_first(tmp_path: Path) -> None:
    install(tmp_path, "A", "一")
    install(tmp_path, "B", "一二三")
    install(tmp_path, "C", "四ก")
    assert families(["一二三", "四", "ก"], SANS) == ["sans-serif", "C", "B"]


def test_chinese_characters_have_the_forms_of_their_text(tmp_path: Path) -> None:
    for region in ("JP", "KR", "SC", "TC"):
        install(tmp_path, f"Test Sans CJK {region}", "直开開の한")
    chosen = [families([text, "直"], SANS)[1] for text in ("开", "開", "の", "한")]
    assert chosen == [f"Test Sans CJK {region}" for region in ("SC", "TC", "JP", "KR")]


def test_each_side_of_a_map_has_its_own_fonts(tmp_path: Path) -> None:
    for region in ("JP", "SC"):
        install(tmp_path, f"Test Sans CJK {region}", "直开の")
    figure = Figure()
    axes = figure.add_subplot()
    axes.set_xticks([0, 1], ["直", "の"])
    axes.set_yticks([0, 1], ["直", "开"])
    dress(figure)
    sides = [
        {label.get_fontfamily()[-1][-2:] for label in side} for side in (axes.get_xticklabels(), axes.get_yticklabels())
    ]
    assert sides == [{"JP"}, {"SC"}]


def test_fonts_that_draw_no_letters_are_skipped(tmp_path: Path) -> None:
    for family in ("Some Color Emoji", "Blank Sans", "Last Resort"):
        install(tmp_path, family, "ก")
    assert families(["ก"], SANS) == SANS


@pytest.mark.parametrize(
    ("text", "debian", "fedora"),
    [
        ("你好，世界。", "fonts-noto-cjk", "google-noto-sans-cjk-fonts"),
        ("こんにちは", "fonts-noto-cjk", "google-noto-sans-cjk-fonts"),
        ("नमस्ते।", "fonts-noto-core", "google-noto-sans-devanagari-fonts"),
        ("สวัสดี", "fonts-noto-core", "google-noto-sans-thai-fonts"),
        ("🎉", "fonts-symbola", "gdouros-symbola-fonts"),
    ],
)
def test_missing_characters_are_reported_in_one_line_that_names_the_package(
    text: str, debian: str, fedora: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Hypothesis("", 0.0, 0.0, [text], [text], np.eye(2, dtype=np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pngs = [attention_png(found) for _ in range(2)]
    assert pngs[0].startswith(b"\x89PNG")
    (line,) = capsys.readouterr().err.splitlines()
    assert f"install {debian} (Debian, Ubuntu) or {fedora} (Fedora)" in line
    assert text[0] in line or text[1] in line or text[2] in line


def test_a_second_script_without_a_font_is_reported_too(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("ก", "ข", "ก", "한글", "ก한"):
        families([text], SANS)
    first, second = capsys.readouterr().err.splitlines()
    assert "Thai (ก)" in first
    assert "Hangul (글 한)" in second


def test_a_character_that_no_font_can_have_is_drawn_as_a_box_silently(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert picture("\ue000\U000e0fff").min() < 100
    assert capsys.readouterr().err == ""


def test_all_figures_of_the_package_are_saved_in_one_place() -> None:
    saving = [path.name for path in PACKAGE.rglob("*.py") if "savefig" in path.read_text(encoding="utf-8")]
    assert saving == ["fonts.py"]
