"""Automatic values depend on what the machine can do; options that are set stay."""

from __future__ import annotations

from typing import Any

import pytest

from seq2seq_tf.config.loading import load
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.training import hardware


@pytest.mark.parametrize(
    ("fast", "cores", "expected"),
    [(True, 1, ("bfloat16", 1)), (False, 3, ("float32", 3)), (False, 64, ("float32", 4))],
)
def test_precision_and_shards_follow_the_machine(
    fast: bool, cores: int, expected: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "fast_bfloat16", lambda: fast)
    monkeypatch.setattr(hardware, "cores", lambda: cores)
    monkeypatch.setattr(hardware.tf.config, "list_physical_devices", lambda kind: [])
    train = hardware.for_this_machine(TranslationConfig()).train
    assert (train.precision, train.shards) == expected


def test_a_gpu_multiplies_in_bfloat16_and_a_batch_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    train = hardware.for_this_machine(TranslationConfig()).train
    assert (train.precision, train.shards) == ("bfloat16", 1)


def test_options_that_are_set_stay() -> None:
    given: dict[str, Any] = {"train.precision": "float32", "train.shards": 7}
    config = load(None, given, TranslationConfig).config
    assert hardware.for_this_machine(config) == config


def test_a_program_may_use_the_cores_that_it_was_given() -> None:
    assert hardware.cores() >= 1
    hardware.give_back_freed_memory()  # works with any C library
