"""Which options may change when a run is resumed: those that affect no number of it, and a later end."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from seq2seq_tf.config.common import PATH
from seq2seq_tf.config.loading import AnyConfig, flatten, leaves, with_values
from seq2seq_tf.errors import InputError

# Left open when the run was created: what was decided then holds.
_LEFT_OPEN = {"train.precision": "auto", "train.shards": 0, "train.bleu_tokenizer": "auto"}
_END = ("train.max_epochs", "train.max_updates")


class Begun(NamedTuple):
    """What a run folder holds, as far as it decides which options may change."""

    where: str  # its configuration file
    finished: bool
    last_state: bool  # the checkpoint of its last update is there
    sealed: bool  # the held-out text is known by its checksum, so that it may have another name
    trained: bool = True  # there are weights; until then a time for training has chosen nothing
    left_open: Mapping[str, Any] = {}  # options that are younger than the run, and what a new run would have


def agree(stored: AnyConfig, wanted: AnyConfig, begun: Begun, say: Callable[[str], None] = lambda _: None) -> AnyConfig:
    """Returns the configuration with which a run is resumed.

    Args:
      stored: of the run.
      wanted: what is asked for now.
      begun: what the run folder holds.
      say: gets a line for each option that changes.

    Raises:
      InputError: an option that would change numbers, with both values, or an end that the schedule does not allow.
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
    """Whether an option affects no number of the run."""
    if name == "train.max_minutes":
        return not begun.trained
    patterns = [*config.changeable, *(("search.*",) if begun.finished else ())]
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
        return True
    leaf = next(leaf for leaf in leaves(type(config)) if leaf.name == name)
    return name.startswith("data.") and leaf.allowed is PATH and begun.sealed


def _check_later_end(name: str, stored: AnyConfig, wanted: AnyConfig, begun: Begun) -> None:
    """Raises InputError unless the run, trained on to the new end, is the one that had that end from the start."""
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
            f"{begun.where}: with train.schedule=cosine the learning rate reaches zero at {name}={old}, so {new} would "
            "have been a different training from the first update; start one in another --model_dir, or continue from "
            "these weights with a new schedule: --train.init_from"
        )
