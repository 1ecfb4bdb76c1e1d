"""A real browser shows the contents of a page in the right colours, and reacts to the mouse."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from seq2seq_tf.inspection.coloured_text import NEGATIVE, POSITIVE
from seq2seq_tf.inspection.page import ColouredText, ImageAttention, write_page
from tests.inspection.test_page import SHOWN, UNITS, VALUES, Reader, png, sections

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
pytestmark = pytest.mark.skipif(
    not BROWSER,
    reason="no chromium, chromium-browser or google-chrome on PATH: pages were not tested in a real browser",
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
]


def browse(path: Path, *options: str, fragment: str = "") -> str:
    """Opens a page in a new browser and returns what the browser prints."""
    profile = path.parent / f"profile_{len(os.listdir(path.parent))}"
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", "--virtual-time-budget=2000", *options]
    done = subprocess.run([*command, path.as_uri() + fragment], capture_output=True, timeout=120, check=True)
    return done.stdout.decode()


def colours(dom: str) -> list[float]:
    """Returns the signed strength of the colour of each character."""
    found = re.findall(r'style="background-color: rgba\(var\(--(positive|negative)\), ([\d.]+)\);"', dom)
    return [float(strength) * (1 if sign == "positive" else -1) for sign, strength in found]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    write_page(tmp_path / "a page.html", "Page", sections())
    return tmp_path / "a page.html"


@pytest.mark.parametrize(
    ("fragment", "unit"),
    [("", 0), ("#unit=2", 2), ("#unit=layer_1%2Fc%2F2", 2), ("#unit=a%20%3C/script%3E%3Ci%3E%26", 1), ("#unit=3", 0)],
)
def test_a_browser_colours_the_text_by_the_unit_in_the_url(page: Path, fragment: str, unit: int) -> None:
    dom = browse(page, "--dump-dom", fragment=fragment)
    strengths = VALUES[:, unit] / np.abs(VALUES[:, unit]).max()
    np.testing.assert_allclose(colours(dom), strengths, atol=1e-3)
    read = Reader(dom)
    assert [a["data-unit"] for a in read.all("section") if "data-unit" in a] == [UNITS[unit]]
    titles = [a["title"] for a in read.all("span") if "title" in a]
    np.testing.assert_allclose([float(t.rpartition(" ")[2]) for t in titles], VALUES[:, unit], atol=1e-3)
    assert [json.loads(t.rpartition(" ")[0]) for t in titles] == list(SHOWN)
    assert read.texts["pre"] == [SHOWN]  # the browser's parser dropped nothing


def test_two_texts_can_show_different_units(tmp_path: Path) -> None:
    text = ColouredText("", "ab", ["u", "v"], np.array([[1.0, -1.0], [0.5, 1.0]]))
    write_page(tmp_path / "page.html", "", [text, text])
    dom = browse(tmp_path / "page.html", "--dump-dom", fragment="#unit=1&unit=0")
    assert colours(dom) == [-1.0, 1.0, 1.0, 0.5]
    assert colours(browse(tmp_path / "page.html", "--dump-dom", fragment="#unit=v")) == [-1.0, 1.0] * 2


HAND = """<!DOCTYPE html><title>hand</title>
<iframe src="a page.html" style="width:900px;height:900px"></iframe><pre></pre>
<script>
const frame = document.querySelector("iframe"), seen = [];
frame.onload = async () => {
  const inside = frame.contentDocument, at = where => inside.querySelector(where);
  const over = cell => cell.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
  const select = at("select");
  select.value = "1";
  select.dispatchEvent(new Event("change"));
  seen.push(at("section.coloured").dataset.unit, frame.contentWindow.location.hash, at(".high").textContent);
  over(at("pre > span:nth-child(3)"));
  seen.push(at(".bar output").textContent);
  over(at(".map tbody tr:nth-child(2) td:nth-child(4)"));
  seen.push(at("table.map + output, .scroll + output").textContent, inside.querySelectorAll(".map .on").length);
  over(at(".map tbody tr:nth-child(1) td:nth-child(2)"));
  seen.push(at(".scroll + output").textContent, inside.querySelectorAll(".map .on").length);
  at("table.map").dispatchEvent(new MouseEvent("mouseleave"));
  seen.push(inside.querySelectorAll(".map .on").length);
  at(".rows a").click();
  await new Promise(done => setTimeout(done, 100));
  seen.push(at("section.coloured").dataset.unit, at("select").value);
  document.querySelector("pre").textContent = JSON.stringify(seen);
};
</script>"""


def test_the_mouse_chooses_units_and_shows_values(page: Path) -> None:
    """The page has no code for tests: another page loads it in a frame and moves the mouse there."""
    hand = page.with_name("hand.html")
    hand.write_text(HAND, encoding="utf-8")
    seen = json.loads(Reader(browse(hand, "--dump-dom")).texts["pre"][0])
    assert seen[:3] == [UNITS[1], "#unit=1", "+0.500"]
    assert seen[3] == f'"<" {VALUES[2, 1]:.3f}'
    assert seen[4:6] == ["</s> \u2190 </s>: 0.750", 6]  # a row of four and a column of three share a cell
    assert seen[6:8] == ["▁a \u2190 ▁x: 0.900", 6]
    assert seen[8] == 0
    assert seen[9:] == [UNITS[0], "0"]


def test_a_screenshot_is_red_where_the_unit_is_positive_and_blue_where_negative(tmp_path: Path) -> None:
    values = np.repeat([1.0, -1.0, 0.0], 10)[:, None]
    write_page(tmp_path / "page.html", "", [ColouredText("", " " * 9 + "x" + " " * 20, ["u"], values)])
    browse(tmp_path / "page.html", f"--screenshot={tmp_path}/page.png", "--window-size=800,600")
    image = matplotlib.image.imread(tmp_path / "page.png")[..., :3] * 255
    where = [np.argwhere(np.abs(image - colour).max(-1) < 3) for colour in (POSITIVE, NEGATIVE)]
    red, blue = (places[places[:, 0] > np.median(places[:, 0]) - 2] for places in where)  # the legend is higher up
    assert len(red) > 500
    assert len(blue) > 500
    assert red[:, 1].max() <= blue[:, 1].min()
    assert blue[:, 1].max() - red[:, 1].min() < 250  # and the rest is white


def test_an_image_shows_through_where_the_word_did_not_look(tmp_path: Path) -> None:
    weights = np.zeros((1, 2, 2))
    weights[0, 1, 1] = 0.5
    write_page(tmp_path / "page.html", "", [ImageAttention("", png(8, 8), ["word"], weights)])
    browse(tmp_path / "page.html", f"--screenshot={tmp_path}/page.png", "--window-size=800,600")
    image = matplotlib.image.imread(tmp_path / "page.png")[..., :3]
    black = np.argwhere(image.max(-1) < 0.02)
    coloured = np.argwhere((image[..., 0] > 0.6) & (image[..., 2] < 0.1))
    assert len(black) > 6 * len(coloured) > 10_000  # the whole first image and three quarters of the other
    assert coloured[:, 1].min() > np.median(black[:, 1])
