"""Options of a search are filled by name from a section of a configuration."""

from __future__ import annotations

import pytest
import tensorflow as tf

from seq2seq_tf.config.common import SearchConfig
from seq2seq_tf.search.options import SearchOptions, by_name, specs_of, values_of


def test_fields_are_filled_by_name_and_other_options_are_ignored() -> None:
    values = values_of(SearchConfig(beam_size=7, early_stop=True))
    found = by_name(SearchOptions, {**values, "other": 3})
    assert found._asdict() == values
    with pytest.raises(KeyError, match="beam_size"):
        by_name(SearchOptions, {"n_best": 1})


def test_a_trace_sees_a_scalar_of_the_type_that_the_configuration_declares() -> None:
    whole = SearchConfig(length_penalty=1)  # created in Python, unchecked: still a float in the graph
    specs = by_name(SearchOptions, specs_of(whole))
    assert specs.length_penalty == tf.TensorSpec([], tf.float32)
    assert specs.beam_size == specs.n_best == tf.TensorSpec([], tf.int32)
    assert specs.early_stop == tf.TensorSpec([], tf.bool)
