"""Reading and writing image files as square arrays of grey values."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_bytes


def read_image(path: str, size: int, *, invert: bool = False) -> np.ndarray:
    """Reads an image as [size, size] uint8, from 0 (black) to 255 (white).

    Colours become their luminance (ITU-R 601), transparent parts become black, and other sizes are resampled.

    Args:
      path: image in any format that Pillow reads, for example PNG.
      size: rows and columns of the result.
      invert: for dark ink on a bright background; the models expect bright ink on a dark one.

    Raises:
      InputError: no such file, not an image, or not square (stretching would change the digits).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # too many pixels to be intended
            with Image.open(path) as file:
                seen = file.convert("RGBA")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not an image") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path}: cannot be read as an image: {' '.join(str(error).split())}") from None
    if seen.width != seen.height:
        raise InputError(f"{path}: must be square, ideally {size} x {size} pixels, got {seen.width} x {seen.height}")
    ground = Image.new("RGBA", seen.size, (0, 0, 0, 255))
    grey = Image.alpha_composite(ground, seen).convert("L")
    if grey.size != (size, size):
        grey = grey.resize((size, size), Image.Resampling.BOX if grey.width > size else Image.Resampling.BILINEAR)
    pixels = np.asarray(grey, np.uint8)
    return 255 - pixels if invert else pixels


def write_image(path: str, pixels: np.ndarray) -> None:
    """Writes [rows, columns] uint8 as a grey PNG, completely or not at all.

    Raises:
      InputError: the file cannot be written.
    """
    write_bytes(path, grey_png(pixels))


def grey_png(pixels: np.ndarray) -> bytes:
    """Returns [rows, columns] uint8 as a grey PNG; 0 is black."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png")
    return buffer.getvalue()
