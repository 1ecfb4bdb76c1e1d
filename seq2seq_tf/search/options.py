"""The options of a search as tensors, so that one trace serves every setting.

Their fields are filled by name: from a section of a configuration, from the inputs of a SavedModel, or from the specs
of a trace. So an option is a leaf in the configuration and a field here, and no code in between mentions it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import tensorflow as tf

from seq2seq_tf.config.search import search_leaves

DTYPES = {bool: tf.bool, int: tf.int32, float: tf.float32}  # tensor type of an option

AnyTensors = TypeVar("AnyTensors", bound=tuple[Any, ...])


class SearchOptions(NamedTuple):
    """The options of `config.common.SearchConfig`; each is a scalar, as a tensor or a Python number."""

    beam_size: tf.Tensor  # int32, K; 1 = greedy
    n_best: tf.Tensor  # int32, at most beam_size
    length_penalty: tf.Tensor  # float32, exponent; not negative
    early_stop: tf.Tensor  # bool; approximate: see `beam._is_done`
    allow_unknown: tf.Tensor  # bool; whether UNK may be chosen


def by_name(kind: type[AnyTensors], values: Mapping[str, Any]) -> AnyTensors:
    """Returns a NamedTuple of options, each field the value of that name; other values are ignored."""
    return kind(*(values[name] for name in kind._fields))  # type: ignore[attr-defined]


def values_of(section: Any) -> dict[str, Any]:
    """Returns the options of a section of a configuration by name."""
    return {field.name: getattr(section, field.name) for field in dataclasses.fields(section)}


def specs_of(section: Any) -> dict[str, tf.TensorSpec]:
    """Returns the TensorSpec of each option of a section by name: a scalar of its type."""
    return {name: tf.TensorSpec([], DTYPES[leaf.type]) for name, leaf in search_leaves(type(section)).items()}
