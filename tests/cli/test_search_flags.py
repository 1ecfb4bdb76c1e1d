"""A flag per search option: given values are passed on, the others leave the run's own values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from absl import flags

from seq2seq_tf.cli import search_flags
from seq2seq_tf.tasks.captioning.config import CaptioningConfig
from seq2seq_tf.tasks.translation.config import TranslationConfig, TranslationSearchConfig
from tests.programs import defined

KINDS = {"translate": TranslationConfig, "caption describe": CaptioningConfig}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[type]:
    with defined(request.param):
        yield KINDS[request.param]


def test_only_given_flags_are_passed_on(kind: type) -> None:
    flags.FLAGS(["program", "--beam_size=7", "--length_penalty=0"])
    assert search_flags.given(kind) == {"beam_size": 7, "length_penalty": 0.0}


def test_without_flags_the_run_decides(kind: type) -> None:
    flags.FLAGS(["program"])
    assert search_flags.given(kind) == {}
    assert set(search_flags.search_leaves(kind)) <= set(flags.FLAGS)


def test_an_option_shows_its_default_and_is_checked_as_in_a_file() -> None:
    with defined("translate"):
        default = TranslationSearchConfig().beam_size
        assert f"the run's own value, {default} if it has none" in str(flags.FLAGS["beam_size"].help)
        with pytest.raises(flags.IllegalFlagValueError, match="must be in"):
            flags.FLAGS(["program", "--beam_size=0"])
