"""The content of a configuration file: two levels of YAML with their line numbers, and nothing more of YAML."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from seq2seq_tf.config import examples
from seq2seq_tf.errors import InputError

_MAX_BYTES = 1 << 18  # a configuration with every option has about six thousand
_DEEPEST = 16


class Entry(NamedTuple):
    """One option: `train.seed`, its value and its line."""

    name: str
    value: Any
    line: int


class Section(NamedTuple):
    """A section and its line."""

    name: str
    line: int
    holds_keys: bool  # as a section must; False: it has a value instead


class ConfigFile(NamedTuple):
    """The content of a file."""

    path: str
    task: str | None  # as written
    task_line: int  # 0 if none is named
    sections: list[Section]
    entries: list[Entry]


class _Loader(yaml.SafeLoader):
    """YAML without anchors, since a few lines of them can expand to gigabytes, and with limited nesting."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        problem = ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            problem = "anchors and aliases (& and *) are not supported"
        elif self.depth >= _DEEPEST:
            problem = "nested too deeply"
        if problem:
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read_config_file(path: str, expected: Iterable[str]) -> ConfigFile:
    """Reads a file.

    Args:
      path: of the file.
      expected: names of sections, for the message if there are none.

    Raises:
      InputError: no such file, too large, not YAML, not two levels, or a duplicate key; with file and line.
    """
    path = os.path.expanduser(path)
    root = _compose(path)
    if root is None:
        return ConfigFile(path, None, 0, [], [])
    if not isinstance(root, yaml.MappingNode):
        raise InputError(f"{path}:1: must be a mapping of sections {', '.join(expected)}")
    found = ConfigFile(path, None, 0, [], [])
    for key, node in root.value:
        name, line = _key(key, path), key.start_mark.line + 1
        if name == "task":
            task = str(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
            found = found._replace(task=task, task_line=line)
            continue
        found.sections.append(Section(name, line, isinstance(node, yaml.MappingNode)))
        if isinstance(node, yaml.MappingNode):
            found.entries.extend(_entries(name, node, path))
    lines: dict[str, int] = {}
    for entry in found.entries:
        first = lines.setdefault(entry.name, entry.line)
        if first != entry.line:
            raise InputError(f"{path}:{entry.line}: duplicate key {entry.name}, first on line {first}")
    return found


def _entries(section: str, mapping: yaml.MappingNode, path: str) -> Iterable[Entry]:
    for key, node in mapping.value:
        name, line = f"{section}.{_key(key, path)}", key.start_mark.line + 1
        yield Entry(name, _value(node, f"{path}:{line}", name), line)


def _compose(path: str) -> yaml.Node | None:
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES:,} bytes: not a configuration")
        root: yaml.Node | None = yaml.compose(content.decode(), Loader=_Loader)
        return root
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{examples.instead_of(path)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(f"{where}: not valid YAML: {_one_line(getattr(error, 'problem', error))}") from None


def _key(node: yaml.Node, path: str) -> str:
    """Returns the text of a key; YAML also allows lists and mappings as keys."""
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
