"""A configuration is checked to the last value; a mistake is one line that names file and line, or the flag."""

import dataclasses
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq_tf.config.common import Range, Text
from seq2seq_tf.config.loading import (
    TASKS,
    Leaf,
    Resolved,
    check,
    describe,
    flatten,
    leaves,
    load,
    sections,
    stored_run,
    task_of,
    to_yaml,
)
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.config import TranslationConfig
from seq2seq_tf.training.run_dir import RunDir
from tests.toy import ROOT

Write = Callable[[str], str]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration file and returns its path."""

    def to_file(text: str) -> str:
        path = tmp_path / "run.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return to_file


def refusal(path: str | None, overrides: dict[str, Any] | None = None) -> str:
    """Returns the message of a configuration that must be refused; it is one line."""
    with pytest.raises(InputError) as caught:
        load(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def another_value(leaf: Leaf) -> Any:
    """Returns an allowed value that is not the default."""
    if leaf.type is bool:
        return not leaf.default
    if isinstance(leaf.allowed, Text):
        return "a: file #1"
    if not isinstance(leaf.allowed, Range):
        return next(value for value in leaf.allowed if value != leaf.default)
    low, high = leaf.allowed
    choices = (leaf.default + 1, leaf.default - 1, leaf.default + 0.01, leaf.default - 0.0001)
    return next(leaf.type(v) for v in choices if low <= v <= high)


def default_of(name: str) -> Any:
    return next(leaf.default for leaf in leaves(TranslationConfig) if leaf.name == name)


EVERY_LEAF = [(task, leaf) for task, kind in TASKS.items() for leaf in leaves(kind)]


def test_a_home_folder_is_found_in_files_flags_and_python(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert load(write("data:\n  train_source: ~/a.de\n")).config.data.train_source == "/home/someone/a.de"
    assert load(None, {"data.train_source": Path("~/a.de")}).config.data.train_source == "/home/someone/a.de"
    assert RunDir("~/run").path == "/home/someone/run"
    with pytest.raises(InputError, match="^/home/someone/x.yaml: no such file"):
        load("~/x.yaml")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("train.seed", np.int64(3), 3),
        ("train.seed", np.array(3, np.int32), 3),
        ("train.clip_norm", np.float32(0.5), 0.5),
        ("train.clip_norm", np.int64(2), 2.0),
        ("train.clip_norm", Fraction(1, 2), 0.5),
        ("model.residual", np.bool_(False), False),
        ("model.cell", np.str_("gru"), "gru"),
    ],
)
def test_numbers_of_numpy_and_python_are_accepted(name: str, value: Any, expected: Any) -> None:
    found = flatten(load(None, {name: value}).config)[name]
    assert (found, type(found)) == (expected, type(expected))
    assert to_yaml(load(None, {name: value}).config)


@pytest.mark.parametrize("value", [np.float64(3.0), np.bool_(True), np.array([3]), True, 3.0, None, "3"])
def test_a_value_that_is_not_a_whole_number_is_refused(value: Any) -> None:
    assert "train.seed must be of type int" in refusal(None, {"train.seed": value})


def test_no_file_gives_the_defaults() -> None:
    resolved: Resolved[TranslationConfig] = load(None)
    assert resolved.config == TranslationConfig()
    assert resolved.sources == {}


@pytest.mark.parametrize("leaf", leaves(TranslationConfig), ids=lambda leaf: leaf.name)
def test_every_leaf_has_help_and_an_allowed_default(leaf: Leaf) -> None:
    assert leaf.help.strip()
    assert "\n" not in leaf.help
    assert load(None, {leaf.name: leaf.default}).config == TranslationConfig()


def test_every_field_of_every_section_is_a_leaf() -> None:
    fields = {
        f"{section}.{f.name}" for section, kind in sections(TranslationConfig).items() for f in dataclasses.fields(kind)
    }
    assert {leaf.name for leaf in leaves(TranslationConfig)} == fields
    assert set(flatten(TranslationConfig())) == fields


def test_values_from_a_file_come_with_file_and_line(write: Write) -> None:
    path = write("# a comment\ntrain:\n  seed: 3\n\n  learning_rate: 1e-3   # YAML 1.1 would call this a string\n")
    resolved: Resolved[TranslationConfig] = load(path)
    assert resolved.config.train.seed == 3
    assert resolved.config.train.learning_rate == 0.001
    assert resolved.sources == {"train.seed": f"{path}:3", "train.learning_rate": f"{path}:5"}


def test_a_value_equal_to_the_default_is_no_change(write: Write) -> None:
    assert load(write("train:\n  optimizer: adam\n")).sources == {}


def test_flags_override_the_file_and_are_named_as_the_source(write: Write) -> None:
    resolved: Resolved[TranslationConfig] = load(write("train:\n  seed: 3\n  max_epochs: 7\n"), {"train.seed": 5})
    assert resolved.config.train.seed == 5
    assert resolved.config.train.max_epochs == 7
    assert resolved.sources["train.seed"] == "flag"
    lines = describe(resolved).splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"  train\.seed += 5 +\(flag\)", lines[0])
    assert lines[1].endswith("run.yaml:3)")


def test_a_whole_number_is_accepted_as_a_float(write: Write) -> None:
    config: TranslationConfig = load(write("train:\n  clip_norm: 5\n")).config
    value = config.train.clip_norm
    assert value == 5.0
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("trian:\n  seed: 1\n", 1, ["'trian'", "'train'"]),
        ("train:\n  seed: 1\nmodel:\n  bacth_tokens: 9\n", 4, ["'model.bacth_tokens'", "train.batch_tokens"]),
        ("train:\n  batch_token: 9\n", 2, ["'train.batch_token'", "'train.batch_tokens'"]),
        ("train:\n  seed: 1.0\n", 2, ["train.seed", "int", "float 1.0"]),
        ("train:\n  seed: true\n", 2, ["train.seed", "int", "bool True"]),
        ("train:\n  seed: [1, 2]\n", 2, ["train.seed", "int", "list"]),
        ("train:\n  seed:\n", 2, ["train.seed", "int", "NoneType"]),
        ("train:\n  learning_rate: fast\n", 2, ["train.learning_rate", "float", "'fast'"]),
        ("train:\n  learning_rate: no\n", 2, ["train.learning_rate", "float", "bool False"]),
        ("model:\n  residual: 1\n", 2, ["model.residual", "bool", "int 1"]),
        ("data:\n  train_source: 2016\n", 2, ["data.train_source", "str", "int 2016"]),
        ("train:\n  max_epochs: 0\n", 2, ["train.max_epochs", "[1, 1000000]", "0"]),
        ("train:\n  learning_rate: -1e-3\n", 2, ["train.learning_rate", "-0.001"]),
        ("train:\n  learning_rate: .nan\n", 2, ["train.learning_rate", "nan"]),
        ("model:\n  output_dropout: 1.0\n", 2, ["model.output_dropout", "[0, 0.95]"]),
        ("model:\n  cell: lstmm\n", 2, ["model.cell", "gru, lstm, rnn", "'lstmm'"]),
        ("train:\n  seed: 1\n  log_every: 2\n  seed: 1\n", 4, ["duplicate key train.seed", "line 2"]),
        ("train:\n  seed: 1\ntrain:\n  seed: 2\n", 4, ["duplicate key train.seed", "line 2"]),
        ("train: 3\n", 1, ["'train'", "key: value"]),
        ("- train\n", 1, ["data, model, train, search"]),
        ("train:\n\tseed: 1\n", 2, ["not valid YAML"]),
        ("train: {seed: 1\n", 2, ["not valid YAML"]),
        ("train:\n  seed: 1\n---\nmodel: {}\n", 3, ["not valid YAML"]),
        ("[train]: {}\n", 1, ["key"]),
        ("train:\n  ? [seed]\n  : 1\n", 2, ["key"]),
        ("train:\n  seed: !now 1\n", 2, ["train.seed", "!now"]),
        ("train:\n  seed: !!python/name:os.system 1\n", 2, ["train.seed"]),
        ("sample:\n  length: 3\n", 1, ["'sample'", "a section of language_model"]),
        ("task: tagging\n", 1, ["tagging", "use seq2seq-tag train"]),
        ("task: poetry\n", 1, ["'poetry'", "translation"]),
        ("task: [tagging]\n", 1, ["a list or mapping"]),
        ("train:\n  epochs: 3\n", 2, ["'train.epochs'", "(did you mean 'train.max_epochs'?)"]),
        ("train:\n  lr: 0.1\n", 2, ["'train.lr'", "(did you mean 'train.learning_rate'?)"]),
        ("data:\n  train_source: 2001-99-99\n", 2, ["data.train_source", "month"]),
        ("train:\n  learning_rate: 1" + "0" * 400 + "\n", 2, ["train.learning_rate"]),
    ],
)
def test_a_mistake_names_file_and_line(write: Write, text: str, line: int, parts: list[str]) -> None:
    path = write(text)
    message = refusal(path)
    assert message.startswith(f"{path}:{line}: ")
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ({"train.bach_tokens": 5}, ["--train.bach_tokens", "'train.batch_tokens'"]),
        ({"train.seed": -1}, ["--train.seed", "[0, 2147483647]"]),
        ({"model.tie": "some"}, ["--model.tie", "all, none, target"]),
    ],
)
def test_a_mistake_in_a_flag_names_the_flag(overrides: dict[str, Any], parts: list[str]) -> None:
    message = refusal(None, overrides)
    for part in parts:
        assert part in message


def test_a_stored_run_without_an_option_has_the_value_from_before_it(write: Write) -> None:
    path = write("task: translation\nmodel:\n  attention: none\n  cell: gru\n")
    found = stored_run(path, TranslationConfig)
    assert found.model.bridge == "mean"  # whatever the default is today
    assert (found.model.cell, found.model.attention) == ("gru", "none")
    before = {leaf.name: leaf.before for leaf in leaves(TranslationConfig)}
    assert flatten(found) == {**before, "model.attention": "none", "model.cell": "gru"}
    stored = write("model:\n  bridge: zero\n")
    assert stored_run(stored, TranslationConfig).model.bridge == "zero"


@pytest.mark.parametrize(("task", "leaf"), EVERY_LEAF, ids=lambda x: getattr(x, "name", x))
def test_the_value_from_before_an_option_is_allowed(task: str, leaf: Leaf) -> None:
    assert check(leaf, leaf.before, "x") == leaf.before


@pytest.mark.parametrize(
    ("kind", "does_not_apply"),
    [
        ({"model.attention": "general"}, ("transformer_heads", "feed_forward_units", "positions")),
        ({"model.attention_heads": 5}, ("transformer_heads", "feed_forward_units", "positions")),
        ({"model.encoder": "transformer"}, ("bidirectional",)),
    ],
    ids=str,
)
def test_every_leaf_survives_being_written_and_read(
    kind: dict[str, Any], does_not_apply: tuple[str, ...], write: Write
) -> None:
    special = ("attention", "attention_heads", "encoder", "decoder")  # only Bahdanau attention has heads
    apart = tuple(f"model.{name}" for name in (*special, *does_not_apply))
    values = {leaf.name: another_value(leaf) for leaf in leaves(TranslationConfig) if leaf.name not in apart}
    values |= {"train.optimizer": "adamw", "model.encoder_units": 260, "model.attention_units": 260, **kind}
    config: TranslationConfig = load(None, values).config
    assert {name: value for name, value in flatten(config).items() if name in values} == values
    again: Resolved[TranslationConfig] = load(write(to_yaml(config)))
    assert again.config == config
    assert set(again.sources) == set(values)


def test_strings_that_look_like_something_else_survive(write: Write) -> None:
    for text in ("yes", "1e-3", "null", "12:30", "ü # no comment", "a: b", " x ", "'", "\U0001f600"):
        config: TranslationConfig = load(None, {"data.train_source": text}).config
        assert load(write(to_yaml(config))).config.data.train_source == text


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_of_the_project_loads(path: Path) -> None:
    kind = TASKS[task_of(path)]
    config = load(path, kind=kind).config
    assert config != kind()
    if isinstance(config, TranslationConfig):
        assert config.data.train_source
        assert config.data.valid_target
