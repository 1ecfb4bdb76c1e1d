"""A coloured text is drawn character by character on a grid, red where its values are positive."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.inspection.coloured_text import NEGATIVE, POSITIVE, coloured_text_figure, coloured_text_png
from tests.inspection.test_page import TEXT


def test_a_picture_has_the_colours_of_its_values() -> None:
    image = matplotlib.image.imread(
        io.BytesIO(coloured_text_png("    \n    ", np.repeat([2.0, -2.0], [4, 5]), "t", 40))
    )
    for colour, other in ((POSITIVE, NEGATIVE), (NEGATIVE, POSITIVE)):
        rows, others = (np.argwhere(np.abs(image[..., :3] * 255 - c).max(-1) < 2)[:, 0] for c in (colour, other))
        assert len(rows) > 100
        assert (rows.mean() < others.mean()) == (colour == POSITIVE)


def placed(tokens: list[str] | str, columns: int) -> list[tuple[int, int, str]]:
    (axes,) = coloured_text_figure(tokens, np.ones(len(tokens)), "", columns).axes
    return [(round(t.get_position()[1]), round(t.get_position()[0] + 0.5), t.get_text()) for t in axes.texts]


def test_a_picture_wraps_at_its_columns_and_breaks_at_line_ends() -> None:
    assert placed("abcde fg\nh", 4) == [(0, 0, "abcd"), (1, 4, "↵"), (1, 0, "e"), (1, 2, "fg"), (2, 0, "h")]


def test_tabs_and_wide_characters_take_several_columns_of_a_picture() -> None:
    assert placed(["a\tb", "語c", "e\u0301"], 12) == [
        *[(0, 1, "→"), (0, 5, "語"), (0, 8, "e\u0301")],
        *[(0, 0, "a"), (0, 4, "b"), (0, 7, "c")],
    ]
    (axes,) = coloured_text_figure(["a\tb", "語"], np.array([1.0, -1.0]), "", 8).axes
    strength = 1 - np.asarray(axes.images[0].get_array())[0, :, 2]
    np.testing.assert_allclose(strength, [1 - 76 / 255] * 5 + [1 - 229 / 255] * 2 + [0] * 2)


def test_a_text_of_any_characters_can_be_drawn() -> None:
    for text in (TEXT, "", "\n", "$x^$ \\frac_{ % & $$"):
        assert coloured_text_png(text, np.zeros(len(text)), "$$ <&>").startswith(b"\x89PNG\r\n\x1a\n")


def test_a_picture_too_long_to_read_is_refused_but_five_thousand_characters_fit() -> None:
    figure = coloured_text_figure("word " * 1000, np.zeros(5000), "")
    assert (figure.get_size_inches() * figure.dpi).max() <= 8000.0
    with pytest.raises(InputError, match="1999 lines"):
        coloured_text_figure("\n" * 1999, np.zeros(1999), "")
    with pytest.raises(ValueError):
        coloured_text_figure("ab", np.zeros(3), "")
