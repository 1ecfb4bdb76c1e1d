"""Attention over an image: where the model looks at each word of a caption."""

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
_COVER = 0.65  # how much of the brightest cell is colour; the image must be seen through it


class Described(Protocol):
    """A text that was written while looking at an image, and where each of its words looked."""

    @property
    def text(self) -> str:
        """What was written."""

    @property
    def words(self) -> list[str]:
        """The same, T words without the end."""

    @property
    def attention(self) -> np.ndarray:
        """[T + 1, rows, columns] of a grid over the image, each map sums to 1; empty unless asked for."""


def image_attention_figure(image: np.ndarray, caption: Described) -> Figure:
    """Returns the image, then the image under the attention map of each word and of the end of the caption.

    Bright stands for much attention; in each panel the brightest cell of the grid is the most attended one.

    Args:
      image: [rows, columns] uint8.
      caption: made with attention=True.

    Raises:
      InputError: the caption has no attention maps.
    """
    from matplotlib.figure import Figure  # here: heavy, and only pictures need it

    if not caption.attention.size:
        raise InputError("no attention maps: describe with attention=True and a model with attention")
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
      weights: [grid rows, grid columns], of which the image has a multiple.

    Returns:
      [rows, columns, 3] float, 0 to 1.
    """
    cell = np.ones((image.shape[0] // weights.shape[0], image.shape[1] // weights.shape[1]))
    share = np.kron(weights / max(float(weights.max()), 1e-9), cell)[..., np.newaxis]  # [rows, columns, 1]
    grey = np.repeat(image[..., np.newaxis] / 255.0, 3, axis=2)
    return grey * (1.0 - _COVER * share) + _COVER * share * np.asarray(_ORANGE)


def image_attention_png(image: np.ndarray, caption: Described) -> bytes:
    """Returns `image_attention_figure` as a PNG."""
    return figure_png(image_attention_figure(image, caption))
