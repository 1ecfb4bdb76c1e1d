"""A page is one self-contained, well-formed file with all its contents; test_page_in_browser.py opens it."""

from __future__ import annotations

import base64
import configparser
import html.parser
import io
import json
import os
import re
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.page import (
    AttentionMap,
    AttentionMaps,
    ColouredText,
    ImageAttention,
    Link,
    Paragraphs,
    Picture,
    Section,
    Table,
    page_html,
    write_page,
)

ROOT = Path(__file__).resolve().parents[2]

# Everything that HTML might lose: markup, entities, white space, quotes, control characters, other scripts.
TEXT = "\n\n<b>&amp;</b>\t\"a'  b \\n </pre></script>\r\n\x00\x0c\ud800 ü\U0001f600\u05d0"
SHOWN = TEXT.replace("\r", "\u240d").replace("\x00", "\u2400").replace("\x0c", "\u240c").replace("\ud800", "\ufffd")
UNITS = ["layer_0/h/5", "a </script><i>&", "layer_1/c/2"]
VALUES = np.linspace(-1, 1, len(TEXT))[:, None] * np.array([1.0, -0.5, 3.0])
WEIGHTS = np.array([[0.9, 0.1, 0.0], [0.0, 0.25, 0.75]])


def png(rows: int = 2, columns: int = 3) -> bytes:
    buffer = io.BytesIO()
    matplotlib.image.imsave(buffer, np.zeros((rows, columns)), format="png", cmap="gray")
    return buffer.getvalue()


def sections() -> list[Section]:
    return [
        Paragraphs("Words <&>", 'One & <two> "three"\n\nfour'),
        ColouredText("Text", TEXT, UNITS, VALUES, ["best", "", ""]),
        AttentionMaps("Maps", [AttentionMap("a <map>", ["▁x", "<s>", "</s>"], ["▁a", "</s>"], WEIGHTS)] * 2),
        ImageAttention("Image", png(20, 30), ["a", "<b>"], np.eye(6).reshape(3, 4, 3)[:2]),
        Picture("", png(), 'a "figure" <&>'),
        Table(
            "Ranking", ["unit <&>", "AUC"], [[Link("<five>", UNITS[0]), "0.912"], [Link("b", UNITS[1]), "\u22120.5"]]
        ),
    ]


class Reader(html.parser.HTMLParser):
    """Parses a page and checks that every element is closed, in order."""

    VOID = ("meta", "img", "br", "link", "input", "hr")

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(page)
        self.close()
        assert not self.open, f"unclosed elements: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"a duplicate attribute in <{tag}>"
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.setdefault(tag, []).append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for found, attributes in self.found if found == tag]


def test_a_page_is_well_formed_and_needs_nothing_else() -> None:
    page = page_html("Title <&>", sections())
    assert page.startswith("<!DOCTYPE html>\n")
    read = Reader(page)
    assert (read.texts["title"], read.texts["h1"]) == (["Title <&>"], ["Title <&>"])
    assert read.texts["h2"] == ["Words <&>", "Text", "Maps", "Image", "Ranking"]  # an empty title gives no heading
    identities = [attributes["id"] for _, attributes in read.found if "id" in attributes]
    assert len(set(identities)) == len(identities) == 6
    for tag, attributes in read.found:
        for name in ("src", "href", "action", "data", "srcset"):
            if name in attributes:
                assert attributes[name].startswith(("data:image/png;base64,", "#")), (tag, attributes[name])
        assert not any(name.startswith("on") for name in attributes)
        assert tag not in ("link", "iframe", "object", "base")
    assert not re.search(r"https?:|@import|url\((?!data:)", page)
    policy = next(a["content"] for a in read.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_text_is_unchanged_in_a_page() -> None:
    read = Reader(page_html("", sections()))
    assert read.texts["pre"] == [SHOWN]
    assert read.texts["p"] == ['One & <two> "three"', "four"]
    assert read.texts["option"] == ["layer_0/h/5 (best)", "a </script><i>&", "layer_1/c/2"]
    assert read.texts["figcaption"][:2] == ["a <map>"] * 2
    assert read.all("img")[0]["alt"] == 'a "figure" <&>'


def test_each_text_has_the_direction_of_its_own_letters() -> None:
    read = Reader(page_html("", sections()))
    for tag in ("h1", "h2", "p", "pre", "option"):
        assert {attributes.get("dir") for attributes in read.all(tag)} == {"auto"}, tag
    assert [a.get("dir", "") for a in read.all("td") if a.get("class") != "r"][-2:] == ["auto", "auto"]
    style = read.texts["style"][0]
    assert "unicode-bidi: plaintext" in style  # each line of a coloured text separately


def test_every_template_is_part_of_a_wheel() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    folder = ROOT / "seq2seq_tf" / "inspection"
    patterns = config["options.package_data"]["seq2seq_tf.inspection"].split()
    shipped = {path for pattern in patterns for path in folder.glob(pattern)}
    assert shipped == {path for path in folder.rglob("*.*") if path.suffix not in (".py", ".pyc")}


def test_values_survive_to_three_digits() -> None:
    found = json.loads(Reader(page_html("", sections())).texts["script"][0])
    whole = np.frombuffer(base64.b64decode(found["values"]), "<i2").reshape(3, -1)
    np.testing.assert_allclose((whole / 32767 * np.array(found["scales"])[:, None]).T, VALUES, atol=5e-4)
    assert found["units"] == UNITS


def test_a_map_has_a_cell_per_weight_and_a_number_where_it_is_not_zero() -> None:
    read = Reader(page_html("", sections()[2:3]))
    cells = read.texts["td"][1:7]
    assert cells == [".90", ".10", "", "", ".25", ".75"]
    shades = [float(a.get("style", "--a:0").removeprefix("--a:")) for a in read.all("td")[1:7]]
    np.testing.assert_allclose(shades, WEIGHTS.ravel(), atol=5e-4)
    assert read.texts["th"][:5] == ["▁x", "<s>", "</s>", "▁a", "</s>"]


def test_an_image_has_a_grid_of_weights_per_word() -> None:
    read = Reader(page_html("", sections()[3:4]))
    assert [a["aria-label"] for a in read.all("div") if a.get("role") == "img"] == ["image", "a", "<b>"]
    shades = [a["style"] for a in read.all("i")]
    assert len(shades) == 1 + 12 + 12
    assert [n for n, shade in enumerate(shades) if shade == "--a:1"] == [
        1,
        8,
        15,
        22,
    ]  # full colour at the word's largest weight


def test_columns_of_numbers_are_right_aligned() -> None:
    read = Reader(page_html("", sections()[5:]))
    assert [a.get("class", "") for a in read.all("td")] == ["", "r", "", "r"]
    assert read.all("a")[0]["href"] == "#unit=layer_0/h/5"


def test_five_thousand_characters_and_twenty_units_take_less_than_a_megabyte(rng: np.random.Generator) -> None:
    text = "if a < b and 'c' != \"d\":\n    " * 173
    values = rng.normal(size=(5000, 20)).astype(np.float32)
    page = page_html("", [ColouredText("", text[:5000], [f"layer_0/h/{n}" for n in range(20)], values)])
    assert len(page.encode()) < 600_000


def test_mismatched_sizes_and_bad_values_are_errors() -> None:
    wrong: list[Section] = [
        ColouredText("", "abc", ["u"], np.zeros((2, 1))),
        ColouredText("", "abc", [], np.zeros((3, 0))),
        ColouredText("", "a", ["u"], np.full((1, 1), np.nan)),
        AttentionMaps("", [AttentionMap("", ["a"], ["b"], np.zeros((2, 1)))]),
        ImageAttention("", png(), ["a"], np.zeros((2, 3, 3))),
        ImageAttention("", b"GIF89a", ["a"], np.zeros((1, 3, 3))),
        Table("", ["a", "b"], [["c"]]),
    ]
    for section in wrong:
        with pytest.raises(ValueError):
            page_html("", [section])


def test_a_page_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(path, "one", [])
    write_page(path, "two", sections())
    assert path.read_bytes().decode() == page_html("two", sections())
    with pytest.raises(ValueError):
        write_page(path, "three", [Picture("", b"", "")])
    assert Reader(path.read_text(encoding="utf-8")).texts["h1"] == ["two"]
    assert os.listdir(tmp_path) == ["page.html"]


def test_the_error_for_a_page_that_cannot_be_written_names_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "missing" / "page.html"):
        with pytest.raises(InputError, match=re.escape(f"{path}: cannot be written")):
            write_page(path, "", [])
    assert os.listdir(tmp_path) == ["folder"]
