"""A forecast is drawn with its intervals, by numbers of rows or dates."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

from seq2seq_tf.inspection.forecast_plot import Shown, forecast_png


def shown(width: float, dates: bool = False, name: str = "$x_1$") -> Shown:
    places = np.datetime64("2001-01") + np.arange(23) if dates else np.arange(23)
    mean = np.full(5, 3.0)
    bands = [(0.9, mean - width, mean + width), (0.5, mean - width / 3, mean + width / 3)]
    return Shown(name, places[:20], np.sin(np.arange(20.0)), places[18:], mean, bands)


def drawn(*panels: Shown) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(forecast_png(panels, "title")))[:, :, :3]


def test_a_wider_interval_covers_more_of_the_picture() -> None:
    narrow, wide = (drawn(shown(width)) for width in (0.2, 4.0))
    shades = [((picture[:, :, 2] - picture[:, :, 0]) > 0.03).mean() for picture in (narrow, wide)]
    assert shades[0] < shades[1] < 0.5


@pytest.mark.filterwarnings("error")
def test_each_variable_has_a_panel_and_dates_and_names_of_any_script_are_drawn() -> None:
    one, three = drawn(shown(1.0)), drawn(*(shown(1.0, True, name) for name in ("a", "日本", "c")))
    assert three.shape[0] > 2 * one.shape[0]
