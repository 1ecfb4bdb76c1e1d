"""Options of a single call are checked like those in a configuration file, whatever their section."""

from typing import Any

import numpy as np
import pytest

from seq2seq_tf.config.call_options import checked_options
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.forecasting.config import ForecastConfig
from seq2seq_tf.tasks.language_model.config import SampleConfig


def test_values_get_the_types_of_the_section() -> None:
    found = checked_options("sample", SampleConfig, {"temperature": 1, "top_k": np.int64(3)})
    assert found == {"temperature": 1.0, "top_k": 3}
    assert [type(value) for value in found.values()] == [float, int]
    assert checked_options("sample", SampleConfig, {}) == {}


@pytest.mark.parametrize(
    ("section", "kind", "options", "message"),
    [
        (
            "sample",
            SampleConfig,
            {"temprature": 1.0},
            "temprature: unknown option (did you mean 'sample.temperature'?)",
        ),
        ("sample", SampleConfig, {"top_p": 1.5}, "top_p: sample.top_p must be in [1e-06, 1], got 1.5"),
        ("sample", SampleConfig, {"seed": True}, "seed: sample.seed must be of type int, got bool True"),
        (
            "forecast",
            ForecastConfig,
            {"feed": "zeros"},
            "feed: forecast.feed must be one of mean, samples, got 'zeros'",
        ),
    ],
)
def test_wrong_options_are_named(section: str, kind: type, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        checked_options(section, kind, options)
    assert str(caught.value) == message
