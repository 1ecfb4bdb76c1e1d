"""Which options may change when a run is resumed: those that affect none of its numbers, and a later end."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from seq2seq_tf.config.common import PATH
from seq2seq_tf.config.loading import AnyConfig, flatten, leaves, with_values
from seq2seq_tf.errors import InputError

# Values resolved when the run was created; they keep the meaning that they had then.
_LEFT_OPEN = {"train.precision": "auto", "train.shards": 0, "train.bleu_tokenizer": "auto"}
_END = ("train.max_epochs", "train.max_updates")


class Begun(NamedTuple):
    """The state of a run folder, as far as it determines which options may change."""

    where: str  # its configuration file
    finished: bool
    last_state: bool  # the checkpoint of its last update exists
    sealed: bool  # checksums identify the held-out text, so its file may have another name
    trained: bool = True  # there are weights; before that, train.max_minutes has decided nothing
    left_open: Mapping[str, Any] = {}  # options that are newer than the run, with the value that a new run would have


def agree(stored: AnyConfig, wanted: AnyConfig, begun: Begun, say: Callable[[str], None] = lambda _: None) -> AnyConfig:
    """Returns the configuration with which a run is resumed.

    Args:
      stored: configuration of the run.
      wanted: configuration requested now.
      begun: state of the run folder.
      say: gets a line for each option that changes.

    Raises:
      InputError: an option would change numbers (both values are named), or the run cannot be extended to the new end.
    """
    old, new = flatten(stored), flatten(wanted)
    left_open = {**_LEFT_OPEN, **begun.left_open, **({"train.max_updates": 0} if stored.train.max_minutes else {})}
    changed = [name for name in new if new[name] != old[name] and new[name] != left_open.get(name, old[name])]
    refused = [name for name in changed if name not in _END and not _free(stored, name, begun)]
    if refused:
        first = refused[0]
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise InputError(
            f"{begun.where}: this run was started with {first}={old[first]!r}, not {new[first]!r}{more}; "
            "use another --model_dir, or resume with --model_dir alone"
        )
    for name in changed:
        if name in _END:
            _check_later_end(name, stored, wanted, begun)
    for name in changed:
        say(f"changed when resuming: {name}={new[name]} (was {old[name]})")
    return with_values(stored, {name: new[name] for name in changed}) if changed else stored


def _free(config: AnyConfig, name: str, begun: Begun) -> bool:
    """Returns whether an option affects none of the run's numbers."""
    if name == "train.max_minutes":
        return not begun.trained
    patterns = [*config.changeable, *(("search.*",) if begun.finished else ())]
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
        return True
    leaf = next(leaf for leaf in leaves(type(config)) if leaf.name == name)
    return name.startswith("data.") and leaf.allowed is PATH and begun.sealed


def _check_later_end(name: str, stored: AnyConfig, wanted: AnyConfig, begun: Begun) -> None:
    """Raises InputError unless extending the run to the new end gives the run that had that end from the start."""
    old, new = flatten(stored)[name], flatten(wanted)[name]
    if (new or math.inf) < (old or math.inf):  # 0 updates = no bound
        raise InputError(f"{begun.where}: {name}={old} can only be raised, not lowered to {new}")
    if begun.finished and not begun.last_state:
        raise InputError(
            f"{begun.where}: {name}={new} cannot be reached from {old}: the last checkpoint of this finished run is "
            "gone; continue from its weights in another --model_dir with --train.init_from"
        )
    if stored.train.schedule == "cosine":
        raise InputError(
            f"{begun.where}: with train.schedule=cosine the learning rate reaches zero at {name}={old}, so with {new} "
            "every update would have been different; start a new run in another --model_dir, or continue from these "
            "weights with a new schedule: --train.init_from"
        )
