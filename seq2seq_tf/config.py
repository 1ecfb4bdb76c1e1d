"""Configurations: strict loading from YAML and flags, and writing. The options themselves stand in `options/`.

A run folder stores the configuration it was trained with, and every other program reads it from there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import numbers
import os
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, get_type_hints

import yaml

from seq2seq_tf.errors import InputError, nearest
from seq2seq_tf.options.captioning import CaptionConfig
from seq2seq_tf.options.classification import ClassificationConfig
from seq2seq_tf.options.common import PATH, Range, TaskConfig, Text
from seq2seq_tf.options.language_model import LanguageModelConfig
from seq2seq_tf.options.tagging import TaggingConfig
from seq2seq_tf.options.translation import Config

TASKS: dict[str, type[TaskConfig]] = {
    kind.task: kind for kind in (Config, LanguageModelConfig, CaptionConfig, ClassificationConfig, TaggingConfig)
}
AnyConfig = TypeVar("AnyConfig", bound=TaskConfig)


class Leaf(NamedTuple):
    """One option: its dotted name, type, default, help and what is allowed."""

    name: str
    type: type
    default: Any
    help: str
    allowed: Range | Text | tuple[str, ...]


class Resolved(NamedTuple, Generic[AnyConfig]):
    """A configuration and, for each value that is not the default, where it came from."""

    config: AnyConfig
    sources: dict[str, str]  # dotted name -> "configs/x.yaml:12" or "flag"


class Given(NamedTuple):
    """Options that somebody has given, a few or all, and where."""

    values: dict[str, Any]  # dotted name -> value
    sources: dict[str, str]  # dotted name -> "configs/x.yaml:12", a file or "flag"


def sections(kind: type[TaskConfig]) -> dict[str, type]:
    """Returns the sections of a task's configuration, in the order of declaration."""
    types = get_type_hints(kind)
    return {field.name: types[field.name] for field in _fields(kind)}


def leaves(kind: type[TaskConfig] = Config) -> list[Leaf]:
    """Returns every option of a task in the order of declaration; `train.batch_tokens` is one."""
    found = []
    for section, section_kind in sections(kind).items():
        types = get_type_hints(section_kind)
        for field in _fields(section_kind):
            found.append(
                Leaf(
                    name=f"{section}.{field.name}",
                    type=types[field.name],
                    default=field.default,
                    help=field.metadata["help"],
                    allowed=field.metadata["allowed"],
                )
            )
    return found


def _fields(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


def check(leaf: Leaf, value: Any, where: str) -> Any:
    """Returns `value` as the leaf's type, or raises InputError that starts with `where`."""
    value = _as_type(leaf, value)
    if not isinstance(value, leaf.type) or (leaf.type is not bool and isinstance(value, bool)):
        shown = f"{type(value).__name__} {_shown(value)}"
        raise InputError(f"{where}: {leaf.name} must be of type {leaf.type.__name__}, got {shown}")
    if isinstance(leaf.allowed, Range):
        if isinstance(value, int | float) and not leaf.allowed.low <= value <= leaf.allowed.high:
            low, high = leaf.allowed
            raise InputError(f"{where}: {leaf.name} must lie in [{low:.10g}, {high:.10g}], got {_shown(value)}")
    elif not isinstance(leaf.allowed, Text) and value not in leaf.allowed:
        raise InputError(f"{where}: {leaf.name} must be one of {', '.join(leaf.allowed)}, got {_shown(value)}")
    return value


def _as_type(leaf: Leaf, value: Any) -> Any:
    """Returns `value` as what the leaf holds where it means the same: NumPy's numbers, a path, 1e-3 in quotes."""
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
    """Returns a value as it stands in Python, on one line of readable length."""
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = 80
    try:
        return shortened.repr(value)
    except ValueError:  # a number of more digits than Python writes
        return "a number of thousands of digits"


def load(
    path: str | os.PathLike[str] | None,
    overrides: Mapping[str, Any] | None = None,
    kind: type[AnyConfig] = Config,  # type: ignore[assignment]  # most configurations are of translation
    below: Given | None = None,
) -> Resolved[AnyConfig]:
    """Reads a YAML file, applies overrides (dotted name -> value, from flags) and checks every value.

    Args:
      path: the file, or None for the defaults.
      overrides: they win over the file.
      kind: configuration of the task. A file may name its task in a line `task: NAME` of its own.
      below: what holds where neither file nor overrides say anything, instead of the defaults.

    Raises:
      InputError: unknown key (with the nearest known names), wrong type, value out of range, contradiction, another
        task; the message names file and line, or the flag.
    """
    given = read(path, overrides, kind)
    values, sources = dict(given.values), dict(given.sources)
    if below is not None:
        values, sources = {**below.values, **values}, {**below.sources, **sources}
    config = _assemble(values, kind)
    config.check()
    defaults = {leaf.name: leaf.default for leaf in leaves(kind)}
    told = {name: at for name, at in sources.items() if at == "flag" or values[name] != defaults[name]}
    return Resolved(config, told)


def read(path: str | os.PathLike[str] | None, overrides: Mapping[str, Any] | None, kind: type[TaskConfig]) -> Given:
    """Returns what file and overrides give, each value checked for itself; see `load`."""
    known = {leaf.name: leaf for leaf in leaves(kind)}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    if path is not None:
        file = _read_yaml(os.fspath(path), sections(kind))
        if file.task != kind.task:
            raise _wrong_configuration(file, kind)
        for name, value, line in file.entries:
            sources[name] = f"{os.fspath(path)}:{line}"
            if name not in known:
                raise InputError(f"{sources[name]}: unknown key {name!r}{nearest(name, known)}")
            values[name] = check(known[name], value, sources[name])
    for name, value in (overrides or {}).items():
        if name not in known:
            raise InputError(f"--{name}: unknown option{nearest(name, known)}")
        values[name] = check(known[name], value, f"--{name}")
        sources[name] = "flag"
    return Given(values, sources)


def _wrong_configuration(file: _File, kind: type[TaskConfig]) -> InputError:
    other = TASKS[file.task]
    named = "" if ":" in file.task_where.removeprefix(file.path) else f" (it has no line `task: {kind.task}`)"
    return InputError(
        f"{file.task_where}: this is a configuration of {file.task}{named}, not of {kind.task}: use {other.trained_by}"
    )


def wrong_run(path: str, task: str) -> InputError:
    """Returns what to raise for a run folder of another task than the one that is needed."""
    return InputError(f"{path}: this is a run of {task}, made by {TASKS[task].trained_by}: use {TASKS[task].used_by}")


def task_of(path: str | os.PathLike[str]) -> str:
    """Returns the task that a configuration file names; translation if it names none."""
    return _read_yaml(os.fspath(path), None).task


def _assemble(values: Mapping[str, Any], kind: type[AnyConfig]) -> AnyConfig:
    return kind(
        **{
            section: section_kind(**{n.split(".", 1)[1]: v for n, v in values.items() if n.startswith(section + ".")})
            for section, section_kind in sections(kind).items()
        }
    )


class _File(NamedTuple):
    """What stands in a configuration file."""

    path: str
    task: str
    task_where: str  # file and line
    entries: list[tuple[str, Any, int]]  # dotted name, value, line


def _read_yaml(path: str, known_sections: Mapping[str, type] | None) -> _File:
    """Reads a two-level YAML file; known_sections=None reads its task only."""
    root = _compose(path)
    if root is None:
        return _File(path, Config.task, path, [])
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path}:1: must be a mapping of sections {', '.join(known_sections or sections(Config))}")
    task, task_where = _task(root, path)
    found: list[tuple[str, Any, int]] = []
    lines: dict[str, int] = {}
    for section_key, section_node in root.value:
        section, line = _key(section_key, path), section_key.start_mark.line + 1
        if section == "task" or known_sections is None:
            continue
        if section not in known_sections:
            if task not in TASKS or known_sections == sections(TASKS[task]):
                raise InputError(f"{path}:{line}: unknown section {section!r}{nearest(section, known_sections)}")
            continue  # of another task, which the caller refuses
        if not isinstance(section_node, yaml.MappingNode):
            raise InputError(f"{path}:{line}: section {section!r} must hold key: value lines")
        for key, node in section_node.value:
            name, line = f"{section}.{_key(key, path)}", key.start_mark.line + 1
            if name in lines:
                raise InputError(f"{path}:{line}: {name} stands twice, first in line {lines[name]}")
            lines[name] = line
            found.append((name, _value(node, f"{path}:{line}", name), line))
    return _File(path, task, task_where, found)


def _compose(path: str) -> yaml.Node | None:
    try:
        with open(path, encoding="utf-8") as file:
            root: yaml.Node | None = yaml.compose(file, Loader=yaml.SafeLoader)
            return root
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(f"{where}: not valid YAML: {_one_line(getattr(error, 'problem', error))}") from None


def _task(root: yaml.MappingNode, path: str) -> tuple[str, str]:
    """Returns the task and where it is named."""
    for key, node in root.value:
        if _key(key, path) == "task":
            where = f"{path}:{key.start_mark.line + 1}"
            if not isinstance(node, yaml.ScalarNode) or node.value not in TASKS:
                shown = node.value if isinstance(node, yaml.ScalarNode) else "a list or mapping"
                raise InputError(f"{where}: task must be one of {', '.join(sorted(TASKS))}, got {shown!r}")
            return str(node.value), where
    return Config.task, path


def _key(node: yaml.Node, path: str) -> str:
    """Returns the text of a key; YAML also knows lists and mappings as keys."""
    if not isinstance(node, yaml.ScalarNode):
        raise InputError(f"{path}:{node.start_mark.line + 1}: a key must be a word")
    return str(node.value)


def _value(node: yaml.Node, where: str, name: str) -> Any:
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:  # an unknown !tag, a date like 2001-99-99, 5000 digits
        problem = _one_line(getattr(error, "problem", error))
        raise InputError(f"{where}: {name}: not a valid value: {problem}") from None


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def flatten(config: TaskConfig) -> dict[str, Any]:
    """Returns dotted name -> value."""
    names = [leaf.name for leaf in leaves(type(config))]
    return {name: getattr(getattr(config, name.split(".")[0]), name.split(".")[1]) for name in names}


def to_yaml(config: TaskConfig) -> str:
    """Returns the YAML text that `load` reads back into an equal configuration."""
    sections_of = {name: dataclasses.asdict(getattr(config, name)) for name in sections(type(config))}
    return yaml.safe_dump({"task": config.task, **sections_of}, sort_keys=False, allow_unicode=True)


def with_values(config: AnyConfig, values: Mapping[str, Any]) -> AnyConfig:
    """Returns the configuration with options (dotted name -> value) replaced and checked."""
    return load(None, {**flatten(config), **values}, type(config)).config


def with_search(config: AnyConfig, options: Mapping[str, Any]) -> AnyConfig:
    """Returns the configuration with options of its section `search` replaced, checked as in a file.

    Raises:
      InputError: unknown option or value out of range.
    """
    beam_size = options.get("beam_size")
    if isinstance(beam_size, numbers.Integral) and int(beam_size) < flatten(config)["search.n_best"]:
        options = {"n_best": beam_size, **options}  # the run's own n_best follows a smaller beam
    merged = {**flatten(config), **{f"search.{name}": value for name, value in options.items()}}
    try:
        return load(None, merged, type(config)).config
    except InputError as error:
        raise InputError(str(error).replace("--search.", "")) from None


def describe(resolved: Resolved[Any], names: Sequence[str] | None = None) -> str:
    """Returns one line per changed value (or per given name) with its origin, for people to read."""
    values = flatten(resolved.config)
    shown = [n for n in values if n in resolved.sources] if names is None else names
    width = max((len(n) for n in shown), default=0)
    return "\n".join(f"  {n:<{width}} = {values[n]!s:<24} ({resolved.sources.get(n, 'default')})" for n in shown)
