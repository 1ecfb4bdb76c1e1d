"""What every command-line program here shares: flags are parsed, mistakes become one line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, NoReturn

from absl import app, flags, logging

from seq2seq_tf.bin.flag_types import check_outputs
from seq2seq_tf.data.pairs import decode_line
from seq2seq_tf.errors import InputError, TrainingError, nearest
from seq2seq_tf.machine import switch_on_onednn

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

_LIBRARY_NOTE = re.compile(rb"WARNING: All log messages before absl|[IW]\d{4} \d\d:")


def _parse(argv: Sequence[str]) -> list[str]:
    if any(a in ("--help", "-help", "-h", "--h", "-?") for a in argv[1:]):
        app.usage(shorthelp=False, writeto_stdout=True)  # absl itself would exit with 1
        sys.exit(0)
    try:
        remaining = flags.FLAGS(argv)
    except flags.Error as error:
        fail(str(error).replace("\n", " "))
    if len(remaining) > 1:
        fail(f"unexpected argument {remaining[1]!r}; options are written --name=value (see --help)")
    return remaining


def import_tensorflow(onednn: str = "1") -> None:
    """Imports TensorFlow without the notes of its C++ side on standard error; what else stands there is kept.

    While it is loaded it writes them whatever TF_CPP_MIN_LOG_LEVEL says (seen in 2.21); an error of ours is one line.
    Keras comes without the packages that it only tries to import: a third of the time, and no program uses them there.

    Args:
      onednn: TF_ENABLE_ONEDNN_OPTS, unless the user has set it; "" leaves it to TensorFlow.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    switch_on_onednn(onednn)
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # under absl, TensorFlow's Python side tells what it does
    with tempfile.TemporaryFile() as held:
        shown = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            with _absent("sklearn", "matplotlib"):
                import tensorflow  # noqa: F401
        finally:
            os.dup2(shown, 2)
            os.close(shown)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not _LIBRARY_NOTE.match(line)))


@contextlib.contextmanager
def _absent(*modules: str) -> Iterator[None]:
    """Inside, importing one of the modules raises ImportError, unless it has been imported before."""
    hidden = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None there is Python's sign for it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def input_lines() -> Iterator[str]:
    """Yields the lines of standard input as strict UTF-8; InputError names the line that is not."""
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        yield decode_line(raw.removesuffix(b"\n").removesuffix(b"\r"), "<standard input>", number)


def one_line(text: str) -> str:
    """Returns a translation as one line of output: with byte_fallback a model can spell a line end."""
    return text.replace("\n", " ")


def fail(message: str) -> NoReturn:
    """Prints `error: message` on standard error and exits with code 2."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)


def run(main: Callable[[], int | None]) -> None:
    """Runs `main` under absl.

    Bad input and a full disk exit with 2 and one line, training that cannot go on with 1 and one line, Ctrl-C with
    130, a closed pipe quietly.

    Args:
      main: takes nothing (programs have flags, no positional arguments) and returns the exit code, or None
        for 0.
    """

    def guarded(_: list[str]) -> int:
        try:
            check_outputs()
            return main() or 0
        except InputError as error:
            fail(str(error))
        except BrokenPipeError:  # `... | head` has read enough
            sys.stderr.close()
            return 0
        except TrainingError as error:
            print(f"error: {error}", file=sys.stderr)
            return EXIT_FAILED
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            fail(f"{error.filename or 'output'}: {error.strerror}")
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return EXIT_INTERRUPTED

    app.run(guarded, flags_parser=_parse)


class Command(NamedTuple):
    """One command of a program that has several: `seq2seq-lm sample ...`."""

    help: str  # one line
    define_flags: Callable[[], None]  # called for the chosen command only, so that --help shows its flags alone
    main: Callable[[], int | None]


def run_commands(commands: Mapping[str, Command]) -> None:
    """Runs the command that the first argument names; see `run`."""
    name = os.path.basename(sys.argv[0])
    listed = "\n".join(f"  {command:<10} {entry.help}" for command, entry in commands.items())
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    if chosen in ("--help", "-h", "help"):
        print(f"usage: {name} COMMAND --flag=value ...    ({name} COMMAND --help lists its flags)\n\n{listed}")
        sys.exit(0)
    if chosen not in commands:
        what = f"unknown command {chosen!r}{nearest(chosen, commands)}" if chosen else "no command given"
        fail(f"{what}; use {name} with one of: {', '.join(commands)}")
    sys.argv = [f"{sys.argv[0]} {chosen}", *sys.argv[2:]]
    commands[chosen].define_flags()
    run(commands[chosen].main)
