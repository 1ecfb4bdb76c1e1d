"""Attention over an image: a panel for each word, coloured where the model looks."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.image_attention import attended_pixels, image_attention_figure, image_attention_png
from seq2seq_tf.tasks.captioning.captioner import Caption

SIZE, SIDE = 12, 3


def caption(words: list[str], maps: np.ndarray) -> Caption:
    return Caption(" ".join(words), 0.0, 0.0, words, maps.astype(np.float32))


@pytest.fixture
def image(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, [SIZE, SIZE]).astype(np.uint8)


@pytest.mark.parametrize("words", [["a", "$five$"], ["a"] * 7])
def test_there_is_a_panel_for_the_image_each_word_and_the_end(words: list[str], image: np.ndarray) -> None:
    figure = image_attention_figure(image, caption(words, np.ones([len(words) + 1, SIDE, SIDE])))
    drawn = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in drawn] == ["image", *words, "</s>"]
    np.testing.assert_allclose(np.asarray(drawn[0].images[0].get_array())[..., 0], image / 255.0)


def test_only_the_attended_cell_is_coloured(image: np.ndarray) -> None:
    weights = np.zeros([SIDE, SIDE])
    weights[1, 2] = 0.4
    pixels = attended_pixels(image, weights)
    changed = np.abs(pixels - image[..., np.newaxis] / 255.0).max(-1) > 1e-6
    expected = np.zeros([SIZE, SIZE], bool)
    expected[4:8, 8:12] = True
    np.testing.assert_array_equal(changed, expected)
    assert pixels.min() >= 0.0
    assert pixels.max() <= 1.0


def test_the_brightest_cell_does_not_depend_on_the_sum_of_weights(image: np.ndarray, rng: np.random.Generator) -> None:
    weights = rng.uniform(size=[SIDE, SIDE])
    np.testing.assert_allclose(attended_pixels(image, weights), attended_pixels(image, weights / 7.0))


def test_different_attention_gives_different_pictures(image: np.ndarray, rng: np.random.Generator) -> None:
    pngs = [image_attention_png(image, caption(["a"], rng.uniform(size=[2, SIDE, SIDE]))) for _ in range(2)]
    pictures = [matplotlib.image.imread(io.BytesIO(png)) for png in pngs]
    assert pictures[0].shape == pictures[1].shape
    assert (pictures[0] != pictures[1]).any()


def test_a_caption_without_maps_is_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="attention=True"):
        image_attention_figure(image, caption(["a"], np.zeros([0, 0, 0])))
