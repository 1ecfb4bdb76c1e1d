"""Scenes are functions of their keys, captions describe them, and held-out digits are never trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seq2seq_tf.tasks.captioning.config import SceneConfig
from seq2seq_tf.tasks.captioning.grammar import PLACES, RELATIONS, place_caption, relation_caption
from seq2seq_tf.tasks.captioning.scenes import (
    LARGE,
    SMALL,
    SPLITS,
    DigitImages,
    Placed,
    Scene,
    SceneMaker,
    load_digit_images,
)


def made_up(rng: np.random.Generator) -> DigitImages:
    """Returns a few random images that are labelled as digits."""
    return DigitImages(rng.uniform(0.1, 1.0, [23, 8, 8]).astype(np.float32), np.arange(23) % 10)


def maker(rng: np.random.Generator, split: str = "valid", **options: Any) -> SceneMaker:
    return SceneMaker(split, SceneConfig(**options), made_up(rng))


def caption_of(digits: tuple[Placed, ...], size: int) -> str:
    """Returns the caption derived only from the boxes of the digits."""
    centres = [np.array([d.top + d.size / 2, d.left + d.size / 2]) for d in digits]
    if len(digits) == 1:
        row, column = (int(x // (size / 3)) for x in centres[0])
        return place_caption(digits[0].name, row, column)
    subject = int(np.argmax([d.size for d in digits]))
    others = {}
    for n, digit in enumerate(digits):
        if n != subject:
            rows, columns = centres[subject] - centres[n]
            if abs(rows) > abs(columns):
                others["above" if rows < 0 else "below"] = digit.name
            else:
                others["left" if columns < 0 else "right"] = digit.name
    return relation_caption(digits[subject].name, others)


@pytest.mark.parametrize("size", [40, 60])
def test_the_caption_describes_the_boxes(size: int, rng: np.random.Generator) -> None:
    scenes = maker(rng, image_size=size).scenes(500)
    for scene in scenes:
        assert scene.caption == caption_of(scene.digits, size)
        assert scene.caption == caption_of(scene.digits[::-1], size)
    seen = " | ".join(scene.caption for scene in scenes)
    assert all(f" {text} " in seen for text in RELATIONS.values())
    assert all(text in seen for row in PLACES for text in row)


def test_digits_are_inside_the_image_and_do_not_touch(rng: np.random.Generator) -> None:
    size = 40
    for scene in maker(rng).scenes(300):
        for digit in scene.digits:
            assert 0 <= digit.top <= size - digit.size
            assert 0 <= digit.left <= size - digit.size
        subject, *others = scene.digits
        for other in others:
            gaps = [
                other.top - subject.top - subject.size,
                subject.top - other.top - other.size,
                other.left - subject.left - subject.size,
                subject.left - other.left - other.size,
            ]
            assert max(gaps) >= 1


def test_the_subject_is_visibly_larger() -> None:
    assert SMALL[1] < LARGE[0]
    assert SMALL[1] + 2 + LARGE[1] + 2 + SMALL[1] <= SceneConfig().image_size  # one above and one below still fit


def test_a_scene_is_a_function_of_its_key(rng: np.random.Generator) -> None:
    images = made_up(rng)
    one, other = (SceneMaker("train", SceneConfig(), images) for _ in range(2))
    assert one.scene(3, 0, 7) == other.scene(3, 0, 7)
    different = {one.scene(*key).digits for key in [(3, 0, 7), (4, 0, 7), (3, 1, 7), (3, 0, 8)]}
    assert len(different) == 4
    held_out = [SceneMaker(split, SceneConfig(), images).scene(7).digits for split in ("valid", "test")]
    assert held_out[0] != held_out[1]


def test_a_drawing_does_not_depend_on_the_other_scenes(rng: np.random.Generator) -> None:
    drawer = maker(rng)
    scenes = drawer.scenes(5)
    together = drawer.draw(scenes)
    assert together.dtype == np.uint8
    assert together.shape == (5, 40, 40)
    for scene, image in zip(scenes, together, strict=True):
        np.testing.assert_array_equal(drawer.draw([scene])[0], image)


def test_ink_is_where_the_boxes_are(rng: np.random.Generator) -> None:
    drawer = maker(rng, noise=0.0)
    scene = drawer.scene(3)
    image = drawer.draw([scene])[0]
    inside = np.zeros_like(image, bool)
    for digit in scene.digits:
        inside[digit.top : digit.top + digit.size, digit.left : digit.left + digit.size] = True
    assert (image[inside] > 0).all()
    assert not image[~inside].any()


def test_a_digit_of_original_size_is_drawn_pixel_for_pixel(rng: np.random.Generator) -> None:
    drawer = maker(rng, noise=0.0)
    digit = Placed(image=11, name=1, top=5, left=7, size=8)
    image = drawer.draw([Scene((1, 0), (digit,), "")])[0]
    expected = np.rint(255 * drawer.images.pixels[11])
    np.testing.assert_array_equal(image[5:13, 7:15], expected)


def test_a_larger_digit_is_the_smaller_one_interpolated() -> None:
    """Linear interpolation is exact on a slope, except for half a pixel at the edges."""
    slope = np.broadcast_to(np.linspace(0.0, 0.7, 8, dtype=np.float32), (1, 8, 8))
    drawer = SceneMaker("valid", SceneConfig(noise=0.0), DigitImages(slope, np.zeros(1, int)))
    image = drawer.draw([Scene((1, 0), (Placed(0, 0, 0, 0, 12),), "")])[0, :12, :12] / 255.0
    columns = ((np.arange(12) + 0.5) / 1.5 - 0.5).clip(0, 7) / 10.0
    np.testing.assert_allclose(image, np.broadcast_to(columns, (12, 12)), atol=2e-3)


def test_noise_is_weak_and_different_for_each_scene(rng: np.random.Generator) -> None:
    quiet, noisy = maker(np.random.default_rng(5), noise=0.0), maker(np.random.default_rng(5), noise=0.1)
    scenes = quiet.scenes(2)
    difference = noisy.draw(scenes).astype(float) - quiet.draw(scenes)
    assert 0.02 < difference.std() / 255.0 < 0.1  # half of it is cut off at black
    assert (difference[0] != difference[1]).any()


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_scene_has_more_digits_than_the_limit(most: int, rng: np.random.Generator) -> None:
    counts = {len(scene.digits) for scene in maker(rng, max_digits=most).scenes(60)}
    assert counts == set(range(1, most + 1))


def test_every_image_of_the_set_is_in_exactly_one_split() -> None:
    from sklearn.datasets import load_digits

    splits = [load_digit_images(split) for split in SPLITS]
    assert [len(images.names) for images in splits] == [1200, 200, 397]
    rows = [np.column_stack([i.names, 16 * i.pixels.reshape(len(i.names), -1)]).astype(int) for i in splits]
    bunch = load_digits()
    whole = np.column_stack([bunch.target, bunch.data]).astype(int)
    assert sorted(map(tuple, np.concatenate(rows))) == sorted(map(tuple, whole))  # all of them, none twice
    assert len({tuple(row) for row in whole}) == len(whole)  # and no two are the same, so the splits share none
    for images in splits:
        assert set(images.names) == set(range(10))
        assert images.pixels.max() == 1.0
