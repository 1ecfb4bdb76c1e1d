"""The module of a task provides everything that its configuration lists."""

from __future__ import annotations

import importlib
import inspect

import pytest

from seq2seq_tf.inspection import abilities
from seq2seq_tf.tasks import TASKS

PROTOCOLS = {
    "attention": abilities.ShowsAttention,
    "units": abilities.ShowsUnits,
    "gradients": abilities.ShowsGradients,
    "cells": abilities.ComparesCells,
    "contexts": abilities.ShowsContexts,
}


def members(protocol: type) -> dict[str, object]:
    return {
        name: member
        for kind in protocol.__mro__
        for name, member in vars(kind).items()
        if kind.__module__ == abilities.__name__ and not name.startswith("_")
    }


@pytest.mark.parametrize(
    ("task", "ability"), [(task, ability) for task, kind in TASKS.items() for ability in kind.inspects]
)
def test_a_task_provides_the_abilities_in_its_configuration(task: str, ability: str) -> None:
    module = importlib.import_module(TASKS[task].inspected_by)
    for name, member in members(PROTOCOLS[ability]).items():
        found = getattr(module, name)
        if inspect.isfunction(member):
            wanted = [p for p in inspect.signature(member).parameters.values() if p.name != "self"]
            given = list(inspect.signature(found).parameters.values())
            assert len(given) == len(wanted), name
            keywords = {p.name for p in wanted if p.kind is p.KEYWORD_ONLY}
            assert {p.name for p in given if p.kind is p.KEYWORD_ONLY} == keywords, name


def test_configurations_list_known_abilities_together_with_a_module() -> None:
    for kind in TASKS.values():
        assert set(kind.inspects) <= set(PROTOCOLS)
        assert bool(kind.inspects) == bool(kind.inspected_by)
