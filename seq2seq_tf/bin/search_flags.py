"""Flags that the programs which search share; unset flags leave the run's own values."""

from __future__ import annotations

from typing import Any

from absl import flags

from seq2seq_tf.config import Leaf, leaves

SEARCH_LEAVES: dict[str, Leaf] = {leaf.name.split(".")[1]: leaf for leaf in leaves() if leaf.name.startswith("search.")}


def define() -> None:
    """Defines --model_dir and one flag per search option."""
    flags.DEFINE_string("model_dir", None, "run folder of seq2seq-train")
    for name, leaf in SEARCH_LEAVES.items():
        text = f"{leaf.help} [default: the run's own value, first {leaf.default}]"
        if leaf.type is int:
            flags.DEFINE_integer(name, None, text)
        else:
            flags.DEFINE_float(name, None, text)


def given() -> dict[str, Any]:
    """Returns the search options that were given on the command line."""
    return {name: flags.FLAGS[name].value for name in SEARCH_LEAVES if flags.FLAGS[name].present}
