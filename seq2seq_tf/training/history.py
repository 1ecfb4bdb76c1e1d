"""The records of a run: metrics.jsonl and the event files of TensorBoard, each number exactly once.

A killed run may have recorded more than its last checkpoint covers. A resumed run repeats that part, so records beyond
the checkpoint are removed first: updates after its position, and validations after the last one that it includes.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import to_json, write_bytes

_LENGTH = struct.Struct("<Q")  # of a record in an event file; a 4-byte checksum follows it, and another one the record
_CHECKSUM = 4
_OF_UPDATES = ("train/", "gradients/")  # tag prefixes; all other tags belong to validations


class Reach(NamedTuple):
    """How far the numbers of a checkpoint reach."""

    update: int = -1
    validation: int = -1  # update of the last validation; -1 = none yet

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Returns whether the checkpoint covers a line of metrics.jsonl; none covers the line of the final weights."""
        return "final" not in record and record["update"] <= (
            self.validation if _is_validation(record) else self.update
        )

    def holds_event(self, step: int, tags: list[str]) -> bool:
        """Returns whether the checkpoint covers a TensorBoard event."""
        of_updates = all(tag.startswith(_OF_UPDATES) for tag in tags)
        return step <= (self.update if of_updates else self.validation)


def _is_validation(record: Mapping[str, Any]) -> bool:
    return "valid_loss" in record


class History:
    """The metrics file and the event files of a run.

    Args:
      metrics: path of metrics.jsonl.
      tensorboard: folder of the event files.
    """

    def __init__(self, metrics: str, tensorboard: str) -> None:
        self._metrics = metrics
        self._tensorboard = tensorboard

    def append(self, record: Mapping[str, Any]) -> None:
        """Adds one line to metrics.jsonl.

        Raises:
          InputError: the file cannot be written.
        """
        try:
            with open(self._metrics, "a", encoding="utf-8") as file:
                file.write(to_json(record) + "\n")
        except OSError as error:
            raise InputError(f"{self._metrics}: cannot be written: {error.strerror or error}") from None

    def flush(self) -> None:
        """Syncs metrics.jsonl to disk, before a checkpoint that relies on it is written."""
        if os.path.exists(self._metrics):
            with open(self._metrics, "rb+") as file:
                os.fsync(file.fileno())

    def records(self) -> list[dict[str, Any]]:
        """Returns the records in metrics.jsonl, skipping lines that are not records."""
        return [record for _, record in self._lines() if record]

    def last_validation(self, update: int) -> int:
        """Returns the update of the last recorded validation, up to `update`; -1 if there is none."""
        found = [record["update"] for record in self.records() if _is_validation(record)]
        return max((u for u in found if u <= update), default=-1)

    def cut(self, reach: Reach, say: Callable[[str], None]) -> None:
        """Removes records beyond a checkpoint, and lines of metrics.jsonl that are not records (these are reported)."""
        lines = list(self._lines())
        kept = [line for line, record in lines if record and reach.holds(record)]
        strange = sum(record is None and line.endswith(b"\n") for line, record in lines)  # the last may be incomplete
        if strange:
            say(f"{self._metrics}: {strange} line{'s' * (strange > 1)} dropped: not a training record")
        if len(kept) < len(lines):
            write_bytes(self._metrics, b"".join(kept))
        for path in _event_files(self._tensorboard):
            _cut_events(path, reach, say)

    def _lines(self) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
        """Yields each line of metrics.jsonl with its record, or None if it is not a record."""
        if not os.path.exists(self._metrics):
            return
        with open(self._metrics, "rb") as file:
            for line in file:
                yield line, _record(line)


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:  # includes UnicodeDecodeError
        return None
    whole = line.endswith(b"\n") and isinstance(record, dict) and type(record.get("update")) is int
    return record if whole else None


def _event_files(folder: str) -> list[str]:
    if not os.path.isdir(folder):
        return []
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if ".tfevents." in name)


def _cut_events(path: str, reach: Reach, say: Callable[[str], None]) -> None:
    """Truncates an event file before the first event beyond `reach` (all later ones are too), or before damage."""
    kept = events = 0
    with open(path, "rb") as file:
        for end, data in _event_records(file.read()):
            try:
                event = tf.compat.v1.Event.FromString(data)
            except DecodeError:
                say(f"{path}: damaged after {events} events; the rest is dropped")
                break
            tags = [value.tag for value in event.summary.value]
            if tags and not reach.holds_event(event.step, tags):
                break
            kept, events = end, events + bool(tags)
    if not events:
        os.remove(path)  # contains only a version
    elif kept < os.path.getsize(path):
        os.truncate(path, kept)


def _event_records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the end offset and the content of each record in an event file; stops before an incomplete one."""
    at = 0
    while at + _LENGTH.size + _CHECKSUM <= len(content):
        start = at + _LENGTH.size + _CHECKSUM
        stop = start + _LENGTH.unpack_from(content, at)[0]
        at = stop + _CHECKSUM
        if at > len(content):
            return
        yield at, content[start:stop]
