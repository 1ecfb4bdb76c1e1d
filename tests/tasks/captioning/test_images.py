"""Image files: written images are read back, and anything but a square image is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.captioning.images import read_image, write_image

SIZE = 13


def grey(rng: np.random.Generator, size: int = SIZE) -> np.ndarray:
    return rng.integers(0, 256, [size, size]).astype(np.uint8)


def test_a_written_image_is_read_back_exactly(rng: np.random.Generator, tmp_path: Path) -> None:
    pixels, path = grey(rng), str(tmp_path / "x.png")
    write_image(path, pixels)
    np.testing.assert_array_equal(read_image(path, SIZE), pixels)
    np.testing.assert_array_equal(read_image(path, SIZE, invert=True), 255 - pixels)
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


def test_colours_become_their_luminance(rng: np.random.Generator, tmp_path: Path) -> None:
    colours = rng.integers(0, 256, [SIZE, SIZE, 3]).astype(np.uint8)
    Image.fromarray(colours).save(tmp_path / "x.png")
    expected = colours @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(read_image(str(tmp_path / "x.png"), SIZE), expected, atol=1.0)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "CMYK"])
def test_every_pixel_format_is_read(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    Image.fromarray(np.full([SIZE, SIZE], 255, np.uint8)).convert("RGB").convert(mode).save(path)
    np.testing.assert_array_equal(read_image(str(path), SIZE), 255)


def test_transparent_parts_become_black(tmp_path: Path) -> None:
    colours = np.full([SIZE, SIZE, 4], 255, np.uint8)
    colours[:, 5:, 3] = 0
    Image.fromarray(colours).save(tmp_path / "x.png")
    seen = read_image(str(tmp_path / "x.png"), SIZE)
    assert (seen[:, :5] == 255).all()
    assert (seen[:, 5:] == 0).all()


@pytest.mark.parametrize("times", [2, 3])
def test_a_multiple_of_the_size_is_averaged(times: int, rng: np.random.Generator, tmp_path: Path) -> None:
    pixels = grey(rng)
    write_image(str(tmp_path / "x.png"), np.kron(pixels, np.ones([times, times], np.uint8)))
    np.testing.assert_array_equal(read_image(str(tmp_path / "x.png"), SIZE), pixels)


def test_a_smaller_image_is_enlarged(rng: np.random.Generator, tmp_path: Path) -> None:
    write_image(str(tmp_path / "x.png"), grey(rng, 7))
    assert read_image(str(tmp_path / "x.png"), SIZE).shape == (SIZE, SIZE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "not an image"),
        (b"a text", "not an image"),
        ("truncated", "cannot be read as an image"),
        ("oblong", "must be square, ideally 13 x 13 pixels, got 17 x 5"),
    ],
)
def test_anything_but_a_square_image_is_refused_in_one_line(
    content: bytes | str | None, words: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    path = tmp_path / "x.png"
    if content == "truncated":
        write_image(str(path), grey(rng, 50))
        path.write_bytes(path.read_bytes()[:300])
    elif content == "oblong":
        write_image(str(path), rng.integers(0, 256, [5, 17]).astype(np.uint8))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_image(str(path), SIZE)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_image(str(tmp_path), SIZE)


def test_an_image_of_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("L", (SIZE, SIZE)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match="cannot be read as an image"):
        read_image(str(tmp_path / "x.png"), SIZE)


def test_a_missing_folder_is_named(rng: np.random.Generator, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing.x\.png: cannot be written"):
        write_image(str(tmp_path / "missing" / "x.png"), grey(rng))
