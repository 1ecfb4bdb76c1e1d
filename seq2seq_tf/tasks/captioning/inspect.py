"""`seq2seq-inspect` for captioners; see `inspection.abilities`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.abilities import Input

if TYPE_CHECKING:
    from seq2seq_tf.inspection.page import Section
    from seq2seq_tf.tasks.captioning.captioner import Caption, Captioner

ATTENTION_INPUTS = (
    Input("image", "paths", "captions: square image file; may be given several times"),
    Input("invert", "switch", "captions: the images have dark ink on a bright background"),
    Input("scene", "numbers", "captions: number of a test scene; may be given several times"),
    Input("scenes", "count", "captions: number of test scenes, from the first"),
)


def load(model_dir: str) -> Captioner:
    """Returns the trained captioner."""
    from seq2seq_tf.tasks.captioning.captioner import Captioner

    return Captioner.load(model_dir)


def check_attention(model_dir: str, given: Mapping[str, Any]) -> None:
    """Raises InputError if there is nothing to describe."""
    del model_dir
    if not given["image"] and not given["scene"] and not given["scenes"]:
        raise InputError("nothing to describe: give --image=FILE, --scene=NUMBER or --scenes=COUNT")


class CaptionMaps(NamedTuple):
    """Attention maps over images; see `Maps`."""

    names: list[str]
    images: list[np.ndarray]
    found: list[Caption]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Returns one line per caption."""
        return [f"{name}: {caption.text}" for name, caption in zip(self.names, self.found, strict=True)]

    def sections(self) -> list[Section]:
        """Returns the sections of a page."""
        from seq2seq_tf.inspection.attention_page import caption_sections
        from seq2seq_tf.tasks.captioning.images import grey_png

        return caption_sections(self.names, [grey_png(image) for image in self.images], self.found)

    def pictures(self) -> list[bytes]:
        """Returns a PNG of each image."""
        from seq2seq_tf.inspection.image_attention import image_attention_png

        return [image_attention_png(*pair) for pair in zip(self.images, self.found, strict=True)]


def attention(captioner: Captioner, given: Mapping[str, Any], search: Mapping[str, Any]) -> CaptionMaps:
    """Returns the attention maps of images and test scenes."""
    from seq2seq_tf.tasks.captioning.images import read_image
    from seq2seq_tf.tasks.captioning.scenes import SceneMaker

    options = captioner.search_options(**{**search, "n_best": 1})
    data = captioner.config.data
    numbers = [*given["scene"], *range(given["scenes"])]
    images = [read_image(path, data.image_size, invert=given["invert"]) for path in given["image"]]
    if numbers:
        maker = SceneMaker("test", data)
        images += list(maker.draw([maker.scene(number) for number in numbers]))
    names = [*given["image"], *(f"scene {number}" for number in numbers)]
    return CaptionMaps(names, images, [row[0] for row in captioner.describe_all(images, options, attention=True)])
