"""Kinds of flags: which values a number, a path, an output and an option accept, and how they refuse others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from absl import flags

from seq2seq_tf.cli.flag_types import (
    IntegerParser,
    NumberParser,
    OptionParser,
    OutputParser,
    PathParser,
    check_outputs,
    range_of,
)
from seq2seq_tf.config.loading import leaves
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.config import TranslationConfig

LEAVES = {leaf.name: leaf for leaf in leaves(TranslationConfig)}


@pytest.mark.parametrize("text", ["3.5", "x", "", "1e3"])
def test_a_value_that_is_not_a_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        IntegerParser(1, 9).parse(text)


@pytest.mark.parametrize(("parser", "text"), [(IntegerParser(1, 9), "10"), (NumberParser(0.0, 1.0), "1.1")])
def test_a_number_outside_its_range_is_refused(parser: flags.ArgumentParser, text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parser.parse(text)


@pytest.mark.parametrize("text", ["nan", "x", "1" * 400])
def test_a_value_that_is_not_a_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        NumberParser(-1e6, 1e6).parse(text)


def test_numeric_flags_show_their_range_and_other_flags_none() -> None:
    assert range_of(IntegerParser(1, 65536)) == "1 to 65,536"
    assert range_of(PathParser()) == ""


def test_a_path_may_start_with_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert PathParser().parse("~/x") == "/home/someone/x"
    assert PathParser().parse("a/~") == "a/~"


def test_an_option_is_checked_as_in_a_file() -> None:
    assert OptionParser(LEAVES["train.learning_rate"]).parse("1e-3") == 1e-3
    assert OptionParser(LEAVES["data.train_source"]).flag_type() == "path"
    for name, text, message in (
        ("train.seed", "x", "must be a whole number"),
        ("model.cell", "lstn", "must be one of gru, lstm, rnn"),
        ("train.label_smoothing", "7", r"must be in \[0, 0.95\]"),
    ):
        with pytest.raises(ValueError, match=message):
            OptionParser(LEAVES[name]).parse(text)


def values(**paths: str) -> flags.FlagValues:
    """Returns flags: `text` names an input, the others name outputs."""
    found = flags.FlagValues()
    flags.DEFINE(PathParser(), "text", None, "", found)
    for name in ("json", "out"):
        flags.DEFINE(OutputParser(folder=False), name, None, "", found)
    found(["program", *(f"--{name}={path}" for name, path in paths.items())])
    return found


def test_an_output_is_checked_and_overwrites_nothing_that_another_flag_names(tmp_path: Path) -> None:
    here = str(tmp_path / "x")
    check_outputs(values(out=here))
    assert not os.path.exists(here)
    for other in ("text", "json"):
        with pytest.raises(InputError, match=f"would overwrite what --{other} names|would overwrite what --out names"):
            check_outputs(values(out=here, **{other: f"{tmp_path}/./x"}))
    with pytest.raises(InputError, match="no such folder"):
        check_outputs(values(out=str(tmp_path / "missing" / "x")))
