"""Training progress: a bar on a terminal, otherwise a line every 30 seconds, and train.log in either case."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tqdm import tqdm

_BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {elapsed}<{remaining} {desc}"
_EVERY = 30.0  # seconds between lines if there is no bar


class RunLog:
    """Prints lines on standard output and appends them, with the time, to a file.

    Args:
      path: of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._writes = True

    def __call__(self, line: str) -> None:
        """Prints a line, above the bar if there is one, and writes it to the file."""
        if sys.stdout is not None:
            tqdm.write(line, file=sys.stdout)
            sys.stdout.flush()  # a pipe is buffered
        self.note(line)

    def note(self, line: str) -> None:
        """Writes a line to the file only."""
        if not self._writes:
            return
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        try:
            with open(self._path, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write("".join(f"{now}  {part}\n" for part in line.splitlines()))
        except OSError as error:  # training is worth more than its log; the next checkpoint will report a full disk
            self._writes = False
            print(f"warning: {self._path}: cannot be written: {error.strerror or error}", file=sys.stderr)


class Progress:
    """Shows the updates done out of those expected.

    Args:
      log: of the run.
      done: updates done before this start.
      total: updates expected in total.
      every: seconds between lines in the log, and on standard error if that is not a terminal.
      clock: returns seconds.
    """

    def __init__(
        self,
        log: RunLog,
        *,
        done: int,
        total: int,
        every: float = _EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.log = log
        self._done = self._first = done
        self._total = total
        self._every = every
        self._clock = clock
        self._start = self._told = clock()
        self._state = ""
        terminal = sys.stderr is not None and sys.stderr.isatty()
        self._bar = tqdm(
            total=total,
            initial=done,
            bar_format=_BAR,
            dynamic_ncols=True,
            mininterval=0.5,
            smoothing=0.05,
            disable=not terminal,
        )
        self._terminal = terminal

    def expect(self, total: int) -> None:
        """Changes the number of updates expected: epochs differ a little."""
        self._total = total
        self._bar.total = total

    def advance(self) -> None:
        """Counts one update."""
        self._done += 1
        self._bar.update(1)
        if self._clock() - self._told >= self._every:
            self._tell()

    def show(self, state: str) -> None:
        """Sets the text beside the numbers: `epoch 7 loss 2.602 4,156 tok/s`."""
        self._state = state
        self._bar.set_description_str(state, refresh=False)

    def close(self, *, finished: bool) -> None:
        """Ends the display; finished training is shown as complete, however many updates were expected."""
        if finished:
            self.expect(self._done)
            self._bar.refresh()
        self._tell()
        self._bar.close()

    def line(self) -> str:
        """Returns the line that is printed instead of the bar."""
        self._told = now = self._clock()
        gone = now - self._start
        share = 100 * self._done // max(self._total, 1)
        line = f"update {self._done:,} of {self._total:,} ({share} %)"
        line += f", {self._state}" if self._state else ""
        line += f", {tqdm.format_interval(gone)} elapsed"
        if self._first < self._done < self._total:
            left = gone / (self._done - self._first) * (self._total - self._done)
            line += f", about {tqdm.format_interval(left)} left"
        return line

    def _tell(self) -> None:
        line = self.line()
        self.log.note(line)
        if not self._terminal and sys.stderr is not None:
            print(line, file=sys.stderr, flush=True)
