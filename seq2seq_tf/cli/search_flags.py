"""Flags shared by the programs that search; flags that are not given leave the run's own values."""

from __future__ import annotations

from typing import Any

from absl import flags

from seq2seq_tf.cli.flag_types import define_option, define_path
from seq2seq_tf.config import search
from seq2seq_tf.config.common import TaskConfig
from seq2seq_tf.config.loading import Leaf, sections
from seq2seq_tf.tasks.translation.config import TranslationConfig


def search_leaves(kind: type[TaskConfig] = TranslationConfig) -> dict[str, Leaf]:
    """Returns the search options of a task by name."""
    return search.search_leaves(sections(kind)["search"])


def define(kind: type[TaskConfig] = TranslationConfig, trained_by: str = "seq2seq-train") -> None:
    """Defines --model_dir, for a run trained by the program `trained_by`, and one flag per search option."""
    define_path("model_dir", None, f"run folder of {trained_by}")
    for name, leaf in search_leaves(kind).items():
        define_option(name, leaf, f"the run's own value, {_shown(leaf.default)} if it has none")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def given(kind: type[TaskConfig] = TranslationConfig) -> dict[str, Any]:
    """Returns the search options given on the command line."""
    return {name: flags.FLAGS[name].value for name in search_leaves(kind) if flags.FLAGS[name].present}
