"""Configurations: strict loading from YAML and flags, and writing.

The options themselves are declared in `config.common` and in `tasks/*/config.py`. A run folder stores the configuration
it was trained with, and every other program reads it from there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import numbers
import os
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, cast, get_type_hints

import yaml

from seq2seq_tf.config.common import PATH, Range, TaskConfig, Text
from seq2seq_tf.config.registry import DEFAULT_TASK, TASKS, default_kind
from seq2seq_tf.config.yaml_file import ConfigFile, read_config_file
from seq2seq_tf.errors import InputError, nearest

AnyConfig = TypeVar("AnyConfig", bound=TaskConfig)


class Leaf(NamedTuple):
    """One option: its dotted name, type, default and help, what is allowed, and what a SavedModel accepts for it."""

    name: str
    type: type
    default: Any
    help: str
    allowed: Range | Text | tuple[str, ...]
    before: Any  # its value in a stored run that is older than the option
    served: Range | None  # None: not an input of a SavedModel

    @property
    def key(self) -> str:
        """The name within its section."""
        return self.name.partition(".")[2]


class Resolved(NamedTuple, Generic[AnyConfig]):
    """A configuration and, for each value that is not the default, its origin."""

    config: AnyConfig
    sources: dict[str, str]  # dotted name -> "configs/x.yaml:12" or "flag"


class Given(NamedTuple):
    """The options that were set (some or all), and where."""

    values: dict[str, Any]  # dotted name -> value
    sources: dict[str, str]  # dotted name -> "configs/x.yaml:12", a file or "flag"


def sections(kind: type[TaskConfig]) -> dict[str, type]:
    """Returns the sections of a task's configuration, in the order of declaration."""
    types = get_type_hints(kind)
    return {field.name: types[field.name] for field in _fields(kind)}


def leaves(kind: type[TaskConfig]) -> list[Leaf]:
    """Returns every option of a task, such as `train.batch_tokens`, in the order of declaration."""
    return [leaf for section, section_kind in sections(kind).items() for leaf in section_leaves(section, section_kind)]


@functools.cache
def section_leaves(section: str, kind: type) -> tuple[Leaf, ...]:
    """Returns every option of a section in the order of declaration, inherited ones first."""
    types = get_type_hints(kind)
    return tuple(
        Leaf(name=f"{section}.{field.name}", type=types[field.name], default=field.default, **field.metadata)
        for field in _fields(kind)
    )


def _fields(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


def check(leaf: Leaf, value: Any, where: str) -> Any:
    """Returns `value` as the leaf's type; raises InputError, starting with `where`, if it is not allowed."""
    value = _as_type(leaf, value)
    if not isinstance(value, leaf.type) or (leaf.type is not bool and isinstance(value, bool)):
        shown = f"{type(value).__name__} {_shown(value)}"
        raise InputError(f"{where}: {leaf.name} must be of type {leaf.type.__name__}, got {shown}")
    if isinstance(leaf.allowed, Range):
        if isinstance(value, int | float) and not leaf.allowed.low <= value <= leaf.allowed.high:
            low, high = leaf.allowed
            raise InputError(f"{where}: {leaf.name} must be in [{low:.10g}, {high:.10g}], got {_shown(value)}")
    elif not isinstance(leaf.allowed, Text) and value not in leaf.allowed:
        raise InputError(f"{where}: {leaf.name} must be one of {', '.join(leaf.allowed)}, got {_shown(value)}")
    return value


def allowed(leaf: Leaf) -> str:
    """Returns the allowed values of an option as text: "1 to 64", "gru, lstm, rnn", "path"."""
    if leaf.type is bool:
        return "true, false"
    if isinstance(leaf.allowed, Text):
        return leaf.allowed.value
    return interval(*leaf.allowed) if isinstance(leaf.allowed, Range) else ", ".join(leaf.allowed)


def interval(low: float, high: float) -> str:
    """Returns a range as text: "1 to 64"."""
    return f"{low:,.10g} to {high:,.10g}"


def _as_type(leaf: Leaf, value: Any) -> Any:
    """Returns `value` converted to the leaf's type if that keeps its meaning: NumPy numbers, a path, 1e-3 in quotes."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if leaf.allowed is PATH and isinstance(value, str | os.PathLike):
        return os.path.expanduser(os.fspath(value))
    if isinstance(value, bool):
        return value
    if leaf.type is int and isinstance(value, numbers.Integral):
        return int(value)
    if leaf.type is float and isinstance(value, numbers.Real | str):
        with contextlib.suppress(ValueError, OverflowError):  # YAML 1.1 reads 1e-3 as a string
            return float(value)
    return value


def _shown(value: Any) -> str:
    """Returns the repr of a value, shortened to a readable length."""
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = 80
    try:
        return shortened.repr(value)
    except ValueError:  # a number with more digits than Python prints
        return "a number with thousands of digits"


def load(
    path: str | os.PathLike[str] | None,
    overrides: Mapping[str, Any] | None = None,
    kind: type[AnyConfig] | None = None,
    below: Given | None = None,
) -> Resolved[AnyConfig]:
    """Reads a YAML file, applies overrides (dotted name -> value, from flags) and checks every value.

    Args:
      path: the file, or None for the defaults.
      overrides: they win over the file.
      kind: configuration class of the task; that of translation if not given. A file may name its task in a separate
        line, `task: NAME`.
      below: values used instead of the defaults where neither file nor overrides set one.

    Raises:
      InputError: no such file, unknown key (with the nearest known names), wrong type, value out of range,
        contradiction, or another task; the message names file and line, or the flag.
    """
    if kind is None:
        kind = cast(type[AnyConfig], default_kind())
    given = read(path, overrides, kind)
    values, sources = dict(given.values), dict(given.sources)
    if below is not None:
        values, sources = {**below.values, **values}, {**below.sources, **sources}
    config = _assemble(values, kind)
    config.check()
    defaults = {leaf.name: leaf.default for leaf in leaves(kind)}
    changed = {name: at for name, at in sources.items() if at == "flag" or values[name] != defaults[name]}
    return Resolved(config, changed)


def stored_run(path: str | os.PathLike[str], kind: type[AnyConfig]) -> AnyConfig:
    """Returns the configuration in a run folder; options missing from it get the value from before they existed."""
    before = {leaf.name: leaf.before for leaf in leaves(kind)}
    return load(path, kind=kind, below=Given(before, dict.fromkeys(before, os.fspath(path)))).config


def read(path: str | os.PathLike[str] | None, overrides: Mapping[str, Any] | None, kind: type[TaskConfig]) -> Given:
    """Returns the options set in a file and in overrides, each value checked on its own; see `load`."""
    known = {leaf.name: leaf for leaf in leaves(kind)}
    values, sources = ({}, {}) if path is None else _of_file(os.fspath(path), kind, known)
    for name, value in (overrides or {}).items():
        if name in kind.renamed:
            raise InputError(f"--{name} is now --{kind.renamed[name].name}")
        if name not in known:
            raise InputError(f"--{name}: unknown option{nearest(name, known)}")
        values[name] = check(known[name], value, f"--{name}")
        sources[name] = "flag"
    return Given(values, sources)


def _of_file(path: str, kind: type[TaskConfig], known: Mapping[str, Leaf]) -> Given:
    """Returns the options set in a file; names and values of earlier versions are accepted."""
    file, task = _read(path, kind)
    if task != kind.task:
        raise _wrong_configuration(file, task, kind)
    _check_sections(file, kind)
    found = Given({}, {})
    for written, value, line in file.entries:
        where = f"{path}:{line}"
        renamed = kind.renamed.get(written)
        name, value = (renamed.name, renamed.value(value)) if renamed else (written, value)
        if name not in known:
            raise InputError(f"{where}: unknown key {name!r}{nearest(name, known)}")
        if name in found.values:
            raise InputError(f"{where}: {written} sets {name} again; it is already set at {found.sources[name]}")
        found.values[name], found.sources[name] = check(known[name], value, where), where
    return found


def _wrong_configuration(file: ConfigFile, task: str, kind: type[TaskConfig]) -> InputError:
    where, missing = f"{file.path}:{file.task_line}", ""
    if file.task is None:
        where, missing = file.path, f" (it has no line `task: {kind.task}`)"
    program = TASKS[task].trained_by
    return InputError(f"{where}: this is a configuration for {task}{missing}, not for {kind.task}: use {program}")


def wrong_run(path: str, task: str) -> InputError:
    """Returns the error to raise for a run folder of a task other than the required one."""
    return InputError(f"{path}: this is a run of {task}, made by {TASKS[task].trained_by}: use {TASKS[task].used_by}")


def task_of(path: str | os.PathLike[str]) -> str:
    """Returns the task that a configuration file names; translation if it names none."""
    return _read(os.fspath(path), default_kind())[1]


def _assemble(values: Mapping[str, Any], kind: type[AnyConfig]) -> AnyConfig:
    return kind(
        **{
            section: section_kind(**{n.split(".", 1)[1]: v for n, v in values.items() if n.startswith(section + ".")})
            for section, section_kind in sections(kind).items()
        }
    )


def _read(path: str, expected: type[TaskConfig]) -> tuple[ConfigFile, str]:
    """Returns the content of a file, and its task: translation if it names none."""
    file = read_config_file(path, sections(expected))
    if file.task is not None and file.task not in TASKS:
        names = ", ".join(sorted(TASKS))
        meant = nearest(file.task, TASKS)
        raise InputError(f"{path}:{file.task_line}: task must be one of {names}, got {file.task!r}{meant}")
    return file, file.task or DEFAULT_TASK


def _check_sections(file: ConfigFile, kind: type[TaskConfig]) -> None:
    known = sections(kind)
    options = [leaf.name for leaf in leaves(kind)]
    for name, line, holds_keys in file.sections:
        where = f"{file.path}:{line}"
        if name in options:
            section, key = name.split(".")
            raise InputError(f"{where}: {name!r} must be written as a line `{key}: VALUE` in section {section!r}")
        if name in known and not holds_keys:
            raise InputError(f"{where}: section {name!r} must contain key: value lines")
        if name not in known and not holds_keys:
            raise InputError(f"{where}: unknown key {name!r} outside of any section{nearest(name, [*options, *known])}")
        if name not in known:
            others = [task for task, other in TASKS.items() if name in sections(other)]
            whose = f" (a section of {' and '.join(others)})" if others else nearest(name, known)
            raise InputError(f"{where}: unknown section {name!r}{whose}")


def flatten(config: TaskConfig) -> dict[str, Any]:
    """Returns dotted name -> value for all options."""
    names = [leaf.name for leaf in leaves(type(config))]
    return {name: getattr(getattr(config, name.split(".")[0]), name.split(".")[1]) for name in names}


def to_yaml(config: TaskConfig) -> str:
    """Returns the YAML text that `load` reads back into an equal configuration."""
    sections_of = {name: dataclasses.asdict(getattr(config, name)) for name in sections(type(config))}
    return yaml.safe_dump({"task": config.task, **sections_of}, sort_keys=False, allow_unicode=True)


def with_values(config: AnyConfig, values: Mapping[str, Any]) -> AnyConfig:
    """Returns the configuration with options (dotted name -> value) replaced and checked."""
    return load(None, {**flatten(config), **values}, type(config)).config


def describe(resolved: Resolved[Any], names: Sequence[str] | None = None) -> str:
    """Returns one line per changed value (or per given name), with its origin, to be printed."""
    values = flatten(resolved.config)
    shown = [n for n in values if n in resolved.sources] if names is None else names
    width = max((len(n) for n in shown), default=0)
    return "\n".join(f"  {n:<{width}} = {values[n]!s:<24} ({resolved.sources.get(n, 'default')})" for n in shown)
