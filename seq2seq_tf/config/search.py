"""The section `search` of a configuration: its options by name, and values that override it for a single call."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from seq2seq_tf.config.call_options import checked_options
from seq2seq_tf.config.common import SearchConfig
from seq2seq_tf.config.loading import Leaf, interval, section_leaves

AnySearch = TypeVar("AnySearch", bound=SearchConfig)


def search_leaves(kind: type) -> dict[str, Leaf]:
    """Returns the options of a section `search` by their names within it."""
    return {leaf.key: leaf for leaf in section_leaves("search", kind)}


def served(leaf: Leaf) -> str:
    """Returns, as text, the range of an option as an input of a SavedModel; "" if it is not one."""
    if leaf.served is None:
        return ""
    return "true, false" if leaf.type is bool else interval(*leaf.served)


def with_search(search: AnySearch, options: Mapping[str, Any]) -> AnySearch:
    """Returns a section `search` with options replaced; the new values are checked like those in a file.

    Raises:
      InputError: unknown option, value out of range or contradiction.
    """
    given = checked_options("search", type(search), options)
    if given.get("beam_size", search.n_best) < search.n_best:
        given = {"n_best": given["beam_size"], **given}  # the run's own n_best follows a smaller beam
    changed = dataclasses.replace(search, **given)
    changed.check()
    return changed
