"""A page contains every sentence with its map and its alignment, or every image with a map per word."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.attention_page import caption_sections, pharaoh, translation_sections
from seq2seq_tf.inspection.page import page_html
from seq2seq_tf.tasks.captioning.captioner import Caption
from seq2seq_tf.tasks.captioning.images import grey_png
from seq2seq_tf.tasks.translation.translator import Hypothesis

FOUND = [
    Hypothesis("b a", -0.5, -1.0, ["▁b", "▁a"], ["▁x", "▁y"], np.array([[0.1, 0.9, 0], [0.7, 0.3, 0], [0, 0, 1]])),
    Hypothesis("<c>", -0.25, -1.0, ["▁<c>"], ["▁z"], np.array([[0.75, 0.25], [0, 1]])),
]


def test_alignments_are_pairs_of_source_and_target_word() -> None:
    assert [pharaoh(found) for found in FOUND] == ["1-0 0-1", "0-0"]
    assert pharaoh(Hypothesis("", 0.0, 0.0, [], ["▁x"], np.ones([1, 2]))) == ""


def test_all_sentences_are_on_the_page_with_their_maps() -> None:
    page = page_html("Maps", translation_sections(["x y", "z"], FOUND))
    assert page.count('class="map"') == 2
    for text in ("x y", "b a", "1-0 0-1", "&lt;c&gt;", "-0.250"):
        assert re.search(rf"<td[^>]*>{re.escape(text)}</td>", page)
    assert re.findall(r"1\. b a|2\. &lt;c&gt;", page) == ["1. b a", "2. &lt;c&gt;"]
    assert page.count("&lt;/s&gt;") == 4  # the end symbol on both sides of both maps


def test_every_word_of_a_caption_has_a_map_over_the_image(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, [8, 8]).astype(np.uint8)
    caption = Caption("a seven", 0.0, 0.0, ["a", "seven"], rng.random([3, 2, 2]))
    page = page_html("Maps", caption_sections(["scene 3"], [grey_png(image)], [caption]))
    assert "scene 3: a seven" in page
    assert re.findall(r'aria-label="([^"]+)"', page) == ["image", "a", "seven", "&lt;/s&gt;"]
    (png,) = re.findall(r"data:image/png;base64,([^)]+)", page)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))), image)


def test_without_attention_there_is_no_page() -> None:
    with pytest.raises(InputError, match="a model with attention"):
        translation_sections(["x"], [FOUND[0]._replace(attention=np.zeros([3, 0]))])
    blind = Caption("a", 0.0, 0.0, ["a"], np.zeros([0, 0, 0]))
    with pytest.raises(InputError, match="a model with attention"):
        caption_sections(["x"], [b""], [blind])
