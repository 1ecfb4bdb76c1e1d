"""Options that a single call gives instead of those of its run, checked like those in a configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seq2seq_tf.config.loading import check, section_leaves
from seq2seq_tf.errors import InputError, nearest


def checked_options(section: str, kind: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a call with the types of the section.

    Args:
      section: such as `search`.
      kind: its dataclass.
      options: values by name, without the section.

    Raises:
      InputError: unknown option, or value of a wrong type or out of range.
    """
    known = {leaf.key: leaf for leaf in section_leaves(section, kind)}
    for name in options:
        if name not in known:
            raise InputError(
                f"{name}: unknown option{nearest(f'{section}.{name}', [leaf.name for leaf in known.values()])}"
            )
    return {name: check(known[name], value, name) for name, value in options.items()}
