"""All options of a task, as a configuration file with comments or as a table."""

from __future__ import annotations

import textwrap

import yaml

from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import Leaf, allowed, leaves
from seq2seq_tf.config.search import served

_WIDTH = 100


def as_yaml(kind: type[TaskConfig]) -> str:
    """Returns a configuration file of all defaults; a comment above each gives its meaning and allowed values."""
    lines = [
        f"# All options of {kind.task} with their defaults. A configuration needs only the lines that differ.",
        f"task: {kind.task}",
    ]
    section = ""
    for leaf in leaves(kind):
        of, _, name = leaf.name.partition(".")
        if of != section:
            section = of
            lines.append(f"{section}:")
        comment = f"  # {leaf.help} [{allowed(leaf)}]"
        lines += textwrap.wrap(comment, _WIDTH, subsequent_indent="  #   ", break_on_hyphens=False)
        lines.append(f"  {name}: {_value(leaf)}")
    return "\n".join(lines) + "\n"


def as_markdown(kind: type[TaskConfig]) -> str:
    """Returns the Markdown table that the documentation shows."""
    lines = ["| option | default | allowed | meaning |", "|---|---|---|---|"]
    for leaf in leaves(kind):
        default = str(leaf.default).lower() if leaf.type is bool else leaf.default
        shown = "none" if default == "" else f"`{default}`"
        ranges = f"{allowed(leaf)}; SavedModel: {served(leaf)}" if leaf.served else allowed(leaf)
        lines.append(f"| `{leaf.name}` | {shown} | {ranges} | {leaf.help} |")
    return "\n".join(lines) + "\n"


def _value(leaf: Leaf) -> str:
    text: str = yaml.safe_dump(leaf.default, width=1000, allow_unicode=True)
    return text.removesuffix("...\n").strip()
