"""Scenes of real handwritten digits with their captions; a scene is a pure function of its split and key.

The digits are scikit-learn's copy of the UCI set (Alpaydin and Kaynak 1998): 1,797 images of 8 x 8 pixels. Their
division into splits is fixed, so no digit image of the training scenes appears in a held-out scene. The set does not
record who wrote which digit: the same hand may have written digits of several splits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.tasks.captioning.config import SceneConfig
from seq2seq_tf.tasks.captioning.grammar import RELATIONS, place_caption, relation_caption

SPLITS = ("train", "valid", "test")
_HELD_OUT = {"valid": 200, "test": 397}  # digit images; the other 1,200 are for training
_SPLIT_SEED = 1998

# Smallest and largest size in pixels. The subject is visibly larger, but leaves room for a digit above and one below.
LARGE = (12, 15)
SMALL = (8, 10)
_GAPS = (1, 2)  # pixels between the subject and another digit
_SIDEWAYS = 2  # largest offset of their centres at right angles to that, in pixels
_JITTER = 4  # largest distance in pixels of a digit "at the top" from the edge; range of a digit "in the middle"

# Direction (rows, columns) from the subject to another digit, for each relation of the subject to it.
_DIRECTIONS = {"below": (-1, 0), "right": (0, -1), "left": (0, 1), "above": (1, 0)}


class DigitImages(NamedTuple):
    """Images of single digits."""

    pixels: np.ndarray  # [n, 8, 8] float32, from 0 (background) to 1 (ink)
    names: np.ndarray  # [n] int64, 0 to 9


class Placed(NamedTuple):
    """A digit in a scene."""

    image: int  # index of its image in the split
    name: int  # 0 to 9
    top: int
    left: int
    size: int  # rows and columns


class Scene(NamedTuple):
    """The digits of a scene and their places, before drawing."""

    key: tuple[int, ...]  # seed of the scene and, extended, of its noise
    digits: tuple[Placed, ...]  # the subject first
    caption: str


def load_digit_images(split: str) -> DigitImages:
    """Returns the digit images of a split, one of SPLITS."""
    from sklearn.datasets import load_digits  # imported here: it is slow, and only this task needs it

    bunch = load_digits()
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(bunch.target))
    ends = {"valid": _HELD_OUT["valid"], "test": sum(_HELD_OUT.values()), "train": len(order)}
    starts = {"valid": 0, "test": ends["valid"], "train": ends["test"]}
    chosen = order[starts[split] : ends[split]]
    return DigitImages((bunch.images[chosen] / 16.0).astype(np.float32), bunch.target[chosen])


class SceneMaker:
    """Draws the scenes of a split.

    Args:
      split: whose digit images are used, one of SPLITS.
      config: uses image_size, max_digits and noise.
      images: replace those of scikit-learn, in tests.
    """

    def __init__(self, split: str, config: SceneConfig, images: DigitImages | None = None) -> None:
        self.split = split
        self.config = config
        self.images = load_digit_images(split) if images is None else images
        self._scaled = {
            size: _scaled(self.images.pixels, size) for size in range(SMALL[0], max(SMALL[1], LARGE[1]) + 1)
        }

    def scene(self, *key: int) -> Scene:
        """Returns the scene of a key: (number,) for a held-out one, (seed, epoch, number) for a training one."""
        key = (SPLITS.index(self.split), *key)
        random = np.random.default_rng(key)
        count = int(random.integers(1, self.config.max_digits + 1))
        return self._one(key, random) if count == 1 else self._several(key, random, count)

    def scenes(self, count: int) -> list[Scene]:
        """Returns the first `count` held-out scenes."""
        return [self.scene(number) for number in range(count)]

    def _place(self, random: np.random.Generator, top: int, left: int, size: int) -> Placed:
        image = int(random.integers(len(self.images.names)))
        return Placed(image, int(self.images.names[image]), top, left, size)

    def _one(self, key: tuple[int, ...], random: np.random.Generator) -> Scene:
        size = int(random.integers(SMALL[0], LARGE[1] + 1))
        row, column = (int(n) for n in random.integers(0, 3, 2))
        room = self.config.image_size - size
        top, left = (_corner(third, room, random) for third in (row, column))
        digit = self._place(random, top, left, size)
        return Scene(key, (digit,), place_caption(digit.name, row, column))

    def _several(self, key: tuple[int, ...], random: np.random.Generator, count: int) -> Scene:
        """Places the others around the subject at the origin, then moves all of them together to where they fit."""
        size = _between(LARGE, random)
        chosen = random.permutation(len(RELATIONS))[: count - 1]
        relations = [name for n, name in enumerate(RELATIONS) if n in chosen]
        boxes = [(0, 0, size), *(_beside(size, _DIRECTIONS[name], random) for name in relations)]
        tops, lefts, sizes = (np.asarray(values) for values in zip(*boxes, strict=True))
        shift = [
            int(random.integers(-corners.min(), self.config.image_size - (corners + sizes).max() + 1))
            for corners in (tops, lefts)
        ]
        subject, *others = (self._place(random, top + shift[0], left + shift[1], side) for top, left, side in boxes)
        named = {name: other.name for name, other in zip(relations, others, strict=True)}
        return Scene(key, (subject, *others), relation_caption(subject.name, named))

    def draw(self, scenes: Sequence[Scene]) -> np.ndarray:
        """Returns the images [B, rows, columns] uint8, as in an image file."""
        size = self.config.image_size
        drawn = np.zeros((len(scenes), size, size), np.float32)
        for canvas, scene in zip(drawn, scenes, strict=True):
            for digit in scene.digits:
                box = canvas[digit.top : digit.top + digit.size, digit.left : digit.left + digit.size]
                np.maximum(box, self._scaled[digit.size][digit.image], out=box)
            random = np.random.default_rng((*scene.key, 1))
            canvas += self.config.noise * random.standard_normal(canvas.shape, np.float32)
        return np.rint(255.0 * drawn.clip(0.0, 1.0)).astype(np.uint8)


def _between(ends: tuple[int, int], random: np.random.Generator) -> int:
    return int(random.integers(ends[0], ends[1] + 1))


def _corner(third: int, room: int, random: np.random.Generator) -> int:
    """Returns the start of a digit at the near edge (0), in the middle (1) or at the far edge (2), with jitter."""
    away = int(random.integers(0, _JITTER + 1))
    return (away, (room - _JITTER) // 2 + away, room - away)[third]


def _beside(size: int, direction: tuple[int, int], random: np.random.Generator) -> tuple[int, int, int]:
    """Returns (top, left, size) of a smaller digit in this direction from a subject of `size` at (0, 0)."""
    other, gap = _between(SMALL, random), _between(_GAPS, random)
    sideways = (size - other) // 2 + _between((-_SIDEWAYS, _SIDEWAYS), random)
    along = {-1: -gap - other, 0: sideways, 1: size + gap}
    return along[direction[0]], along[direction[1]], other


def _scaled(pixels: np.ndarray, size: int) -> np.ndarray:
    """Returns square images [n, rows, rows] resized to [n, size, size] by linear interpolation."""
    rows = pixels.shape[1]
    at = (np.arange(size) + 0.5) * rows / size - 0.5  # centres of the new pixels in units of the old ones
    weights = np.maximum(1.0 - np.abs(at[:, np.newaxis].clip(0, rows - 1) - np.arange(rows)), 0.0)  # [size, rows]
    return np.einsum("si,nij,tj->nst", weights, pixels, weights).astype(np.float32)
