"""Attention over an image: where the model looks for each word of a caption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.fonts import dress, figure_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_END = "</s>"
_COLUMNS = 5
_INCHES = 1.7  # of one panel
_ORANGE = (1.0, 0.55, 0.0)
_COVER = 0.65  # share of colour in the brightest cell; the image must show through


class Described(Protocol):
    """A text generated from an image, with the attention of each of its words."""

    @property
    def text(self) -> str:
        """The generated text."""

    @property
    def words(self) -> list[str]:
        """The T words of the text, without the end symbol."""

    @property
    def attention(self) -> np.ndarray:
        """[T + 1, rows, columns] over a grid on the image, each map sums to 1; empty unless requested."""


def image_attention_figure(image: np.ndarray, caption: Described) -> Figure:
    """Returns the image, then the image under the attention map of each word and of the end of the caption.

    Brighter orange is more attention, scaled so that the most attended cell of each panel has the full colour.

    Args:
      image: [rows, columns] uint8.
      caption: generated with attention=True.

    Raises:
      InputError: the caption has no attention maps.
    """
    from matplotlib.figure import Figure  # slow to import, needed only for pictures

    if not caption.attention.size:
        raise InputError("no attention maps: caption images with attention=True, using a model with attention")
    nothing = np.zeros_like(caption.attention[:1])
    panels = list(zip(["image", *caption.words, _END], [*nothing, *caption.attention], strict=True))
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(_COLUMNS * _INCHES, rows * (_INCHES + 0.3)), dpi=110, layout="constrained")
    grid = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    for axes in grid:
        axes.set_axis_off()
    for axes, (title, weights) in zip(grid, panels, strict=False):
        axes.set_title(title, fontsize=11, parse_math=False)
        axes.imshow(attended_pixels(image, weights), interpolation="nearest")
    dress(figure)
    return figure


def attended_pixels(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns the image in grey with the attention laid over it in orange.

    Args:
      image: [rows, columns] uint8.
      weights: [grid rows, grid columns]; each side of the image is a multiple of the grid's.

    Returns:
      [rows, columns, 3] float, from 0 to 1.
    """
    cell = np.ones((image.shape[0] // weights.shape[0], image.shape[1] // weights.shape[1]))
    share = np.kron(weights / max(float(weights.max()), 1e-9), cell)[..., np.newaxis]  # [rows, columns, 1]
    grey = np.repeat(image[..., np.newaxis] / 255.0, 3, axis=2)
    return grey * (1.0 - _COVER * share) + _COVER * share * np.asarray(_ORANGE)


def image_attention_png(image: np.ndarray, caption: Described) -> bytes:
    """Returns `image_attention_figure` as a PNG; raises the same errors."""
    return figure_png(image_attention_figure(image, caption))
