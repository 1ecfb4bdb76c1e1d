"""Scenes of real handwritten digits with their captions: image n of a split is a pure function of its key.

The digits are scikit-learn's copy of the UCI set (Alpaydin and Kaynak 1998): 1,797 images of 8 x 8 pixels. They are
shared out once and for all, so that no image of the training scenes is met in a held-out scene. The set does not say
who wrote which digit: the same hand may have written on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2seq_tf.tasks.captioning.config import SceneConfig
from seq2seq_tf.tasks.captioning.grammar import RELATIONS, place_caption, relation_caption

SPLITS = ("train", "valid", "test")
_HELD_OUT = {"valid": 200, "test": 397}  # images of digits; the other 1,200 are for training
_SPLIT_SEED = 1998

# Sizes in pixels, both ends counted. The subject is visibly larger, and a digit above and one below it still fit.
LARGE = (12, 15)
SMALL = (8, 10)
_GAPS = (1, 2)  # pixels between the subject and another digit
_SIDEWAYS = 2  # pixels by which their centres may differ across that
_JITTER = 4  # pixels between the edge and a digit "at the top", and for one "in the middle" in all

# (rows, columns) of the direction in which the other digit lies, for each relation of the subject to it
_DIRECTIONS = {"below": (-1, 0), "right": (0, -1), "left": (0, 1), "above": (1, 0)}


class DigitImages(NamedTuple):
    """Images of single digits."""

    pixels: np.ndarray  # [n, 8, 8] float32, 0 ground to 1 ink
    names: np.ndarray  # [n] int64, 0 to 9


class Placed(NamedTuple):
    """A digit in a scene."""

    image: int  # number of its image in the split
    name: int  # 0 to 9
    top: int
    left: int
    size: int  # rows and columns


class Scene(NamedTuple):
    """What is where, before it is drawn."""

    key: tuple[int, ...]  # draws it, and then its noise
    digits: tuple[Placed, ...]  # the subject first
    caption: str


def load_digit_images(split: str) -> DigitImages:
    """Returns the images of a split."""
    from sklearn.datasets import load_digits  # here: slow to import, and only this task needs it

    bunch = load_digits()
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(bunch.target))
    ends = {"valid": _HELD_OUT["valid"], "test": sum(_HELD_OUT.values()), "train": len(order)}
    starts = {"valid": 0, "test": ends["valid"], "train": ends["test"]}
    chosen = order[starts[split] : ends[split]]
    return DigitImages((bunch.images[chosen] / 16.0).astype(np.float32), bunch.target[chosen])


class SceneMaker:
    """Draws the scenes of a split.

    Args:
      split: of the images of digits, one of SPLITS.
      config: size, most digits, noise.
      images: other ones than those of scikit-learn, for tests.
    """

    def __init__(self, split: str, config: SceneConfig, images: DigitImages | None = None) -> None:
        self.split = split
        self.config = config
        self.images = load_digit_images(split) if images is None else images
        self._scaled = {
            size: _scaled(self.images.pixels, size) for size in range(SMALL[0], max(SMALL[1], LARGE[1]) + 1)
        }

    def scene(self, *key: int) -> Scene:
        """Returns the scene of a key: (number,) of a held-out one, (seed, epoch, number) of a training one."""
        key = (SPLITS.index(self.split), *key)
        random = np.random.default_rng(key)
        count = int(random.integers(1, self.config.max_digits + 1))
        return self._one(key, random) if count == 1 else self._several(key, random, count)

    def scenes(self, count: int) -> list[Scene]:
        """Returns the first held-out scenes."""
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
        """Lays the others around the subject at the origin, then moves all together to where they fit."""
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
        """Returns the images [B, rows, columns] uint8, as an image file would hold them."""
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
    """Returns where a digit starts that is at the near edge (0), in the middle (1) or at the far edge (2)."""
    away = int(random.integers(0, _JITTER + 1))
    return (away, (room - _JITTER) // 2 + away, room - away)[third]


def _beside(size: int, direction: tuple[int, int], random: np.random.Generator) -> tuple[int, int, int]:
    """Returns (top, left, size) of a smaller digit in that direction of a subject at (0, 0)."""
    other, gap = _between(SMALL, random), _between(_GAPS, random)
    sideways = (size - other) // 2 + _between((-_SIDEWAYS, _SIDEWAYS), random)
    along = {-1: -gap - other, 0: sideways, 1: size + gap}
    return along[direction[0]], along[direction[1]], other


def _scaled(pixels: np.ndarray, size: int) -> np.ndarray:
    """Returns square images [n, rows, rows] resized to [n, size, size] by linear interpolation."""
    rows = pixels.shape[1]
    at = (np.arange(size) + 0.5) * rows / size - 0.5  # centres of the new pixels in units of the old
    weights = np.maximum(1.0 - np.abs(at[:, np.newaxis].clip(0, rows - 1) - np.arange(rows)), 0.0)  # [size, rows]
    return np.einsum("si,nij,tj->nst", weights, pixels, weights).astype(np.float32)
