"""Configurations that must be refused."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import load
from seq2seq_tf.errors import InputError


def refusal(overrides: dict[str, Any], kind: type[TaskConfig]) -> str:
    """Returns the message for a configuration that must be refused, after checking that it is one line."""
    with pytest.raises(InputError) as caught:
        load(None, overrides, kind)
    message = str(caught.value)
    assert "\n" not in message
    return message


def assert_refused(overrides: dict[str, Any], parts: list[str], kind: type[TaskConfig]) -> None:
    """Asserts that the configuration is refused with a message that contains all parts."""
    message = refusal(overrides, kind)
    for part in parts:
        assert part in message
