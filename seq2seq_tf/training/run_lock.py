"""Allows only one writer at a time in a run folder, and names it to a second one.

The lock is the operating system's (`flock` on Unix), so it ends with the process that holds it, however that ends. The
file stays, but cannot become stale, and a folder copied with it is not locked. A second file names the holder; it is
used only in messages.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import socket
import sys
import warnings
from types import TracebackType

from filelock import FileLock, Timeout

from seq2seq_tf.errors import InputError
from seq2seq_tf.files import write_text


class LockedError(InputError):
    """Another program is writing to the run folder."""


class RunLock:
    """The lock of a folder; reentrant: entering it again while holding it has no effect.

    Args:
      folder: of the run; must exist when the lock is entered.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._holder = os.path.join(folder, "lock.json")
        self._lock = FileLock(os.path.join(folder, "lock"), thread_local=False)
        self._depth = 0

    def __enter__(self) -> RunLock:
        """Takes the lock.

        Raises:
          LockedError: another program holds it; program, process, computer and start are named.
          InputError: the folder cannot be written to.
        """
        if not self._depth:
            self._take()
        self._depth += 1
        return self

    def _take(self) -> None:
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise LockedError(
                f"{self._folder}: another program is writing to this run folder: {self._who()}; wait until it "
                "ends, stop it, or use another --model_dir"
            ) from None
        except NotImplementedError:
            warnings.warn(f"{self._folder}: this file system has no locks; run only one program here", stacklevel=3)
        except OSError as error:
            raise InputError(f"{self._folder}: cannot be locked for writing: {error.strerror or error}") from None
        with contextlib.suppress(InputError):  # on a full disk the lock works without a name
            write_text(self._holder, json.dumps(_myself()) + "\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            with contextlib.suppress(OSError):
                os.remove(self._holder)
            self._lock.release()

    def _who(self) -> str:
        try:
            with open(self._holder, encoding="utf-8") as file:
                who = json.load(file)
            return f"{who['program']}, process {who['process']} on {who['computer']} since {who['since']}"
        except (OSError, ValueError, KeyError, TypeError):  # it has only just begun, or is about to end
            return "an unknown one"


def _myself() -> dict[str, str | int]:
    return {
        "program": os.path.basename(sys.argv[0]) or "python",
        "process": os.getpid(),
        "computer": socket.gethostname(),
        "since": datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
    }
