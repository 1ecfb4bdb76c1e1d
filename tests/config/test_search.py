"""Search options set for a single call are checked as in a file, and nothing else is checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seq2seq_tf.config import loading
from seq2seq_tf.config.common import Range, SearchConfig
from seq2seq_tf.config.search import search_leaves, served, with_search
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.captioning.config import CaptioningSearchConfig
from seq2seq_tf.tasks.translation.config import TranslationSearchConfig

SECTIONS = (TranslationSearchConfig, CaptioningSearchConfig)


def test_numbers_of_numpy_become_numbers_of_python() -> None:
    search = with_search(TranslationSearchConfig(), {"beam_size": np.int64(2), "length_penalty": np.float32(0.5)})
    assert search == TranslationSearchConfig(beam_size=2, length_penalty=0.5)
    assert (type(search.beam_size), type(search.length_penalty)) == (int, float)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_sise": 3}, "beam_sise: unknown option (did you mean 'search.beam_size'?)"),
        ({"beam_size": 0}, "beam_size: search.beam_size must be in [1, 64], got 0"),
        ({"beam_size": True}, "beam_size: search.beam_size must be of type int, got bool True"),
        ({"length_penalty": "x"}, "length_penalty: search.length_penalty must be of type float, got str 'x'"),
        ({"early_stop": 1}, "early_stop: search.early_stop must be of type bool, got int 1"),
        ({"n_best": 9}, "search.n_best=9 is larger than search.beam_size=7"),
        ({"beam_size": 2, "n_best": 4}, "search.n_best=4 is larger than search.beam_size=2"),
    ],
)
@pytest.mark.parametrize("kind", SECTIONS)
def test_a_mistake_is_named(kind: type[SearchConfig], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        with_search(kind(beam_size=7), options)
    assert str(caught.value) == message


@pytest.mark.parametrize("kind", SECTIONS)
def test_the_n_best_of_the_run_follows_a_smaller_beam(kind: type[SearchConfig]) -> None:
    run = kind(beam_size=5, n_best=4)
    assert with_search(run, {"beam_size": 3}).n_best == 3
    assert with_search(run, {"beam_size": 6}).n_best == 4
    assert with_search(run, {"beam_size": 3, "n_best": 2}).n_best == 2


def test_only_the_given_options_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call does not read the configuration of the run again."""
    search_leaves(TranslationSearchConfig)  # found once per process
    for name in ("load", "read", "leaves", "get_type_hints"):
        monkeypatch.setattr(loading, name, None)
    assert with_search(TranslationSearchConfig(max_ratio=-7.0), {"beam_size": 2}).max_ratio == -7.0


@pytest.mark.parametrize("kind", SECTIONS)
def test_options_shared_by_tasks_are_declared_once(kind: type[SearchConfig]) -> None:
    ours, shared = search_leaves(kind), search_leaves(SearchConfig)
    for name, leaf in shared.items():
        assert ours[name]._replace(default=None, before=None) == leaf._replace(default=None, before=None)


@pytest.mark.parametrize("leaf", search_leaves(TranslationSearchConfig).values(), ids=lambda leaf: leaf.key)
def test_the_range_of_a_saved_model_lies_within_that_of_a_configuration(leaf: loading.Leaf) -> None:
    if leaf.served is None:
        assert served(leaf) == ""
    else:
        low, high = leaf.allowed if isinstance(leaf.allowed, Range) else (0, 1)
        assert low <= leaf.served.low <= leaf.default <= leaf.served.high <= high
