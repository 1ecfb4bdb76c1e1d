"""Code shared by all command-line programs: parses flags and turns mistakes into one line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, NamedTuple, NoReturn

from absl import app, flags, logging

from seq2seq_tf.cli.flag_types import check_outputs
from seq2seq_tf.cli.help_page import help_page, own_flags, program_name, version_line
from seq2seq_tf.cli.streams import drop_output, prepare_streams, restart_in_utf8
from seq2seq_tf.config.registry import TASKS
from seq2seq_tf.errors import InputError, TrainingError, nearest
from seq2seq_tf.hints import similar
from seq2seq_tf.machine import switch_on_onednn
from seq2seq_tf.text.lines import decode_line

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

_LIBRARY_NOTE = re.compile(rb"WARNING: All log messages before absl|[IW]\d{4} \d\d:")
_HELP = ("--help", "-help", "-h", "--h", "-?", "--helpshort", "-helpshort")
_ALL_HELP = ("--helpfull", "-helpfull")
_VERSION = "--version"
_MEMORY = "/dev/shm"
_MAX_MESSAGE = 1000  # characters: an argument of a megabyte is not repeated
# Errors of the machine, not bugs of ours: no space, no permission, a closed stream, a broken disk.
_REFUSALS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EBADF, errno.EIO),
    *(errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE),
)
_NO_FOLDER = ("No usable temporary directory", "Matplotlib requires access to a writable cache directory")


class Command(NamedTuple):
    """A program, or one command of a program that has several: `seq2seq-lm sample ...`."""

    help: str  # what it does, one line
    define_flags: Callable[[], None]  # called for the chosen command only, so that --help shows its flags alone
    main: Callable[[], int | None]  # returns the exit code, or None for 0
    text: str = ""  # rest of the help page: examples or more explanation
    operand: str = ""  # the flag whose value may be given without its name: `seq2seq-config show NAME`
    is_filter: bool = False  # ends as soon as nobody reads its output; other programs finish their work anyway


def parse(command: Command, argv: Sequence[str]) -> list[str]:
    """Parses the flags; exits after printing help, the version or the first mistake, if there is one to print."""
    argv = [argv[0], *map(_decoded, argv[1:])]
    if any(a in (*_HELP, *_ALL_HELP) for a in argv[1:]):
        everything = any(a in _ALL_HELP for a in argv[1:])
        _print_page(help_page(command.help, command.text, flags.FLAGS, operand=command.operand, everything=everything))
        sys.exit(0)
    if _VERSION in argv[1:]:
        _print_page(version_line())
        sys.exit(0)
    try:
        flags.FLAGS.set_gnu_getopt(bool(command.operand))  # flags may follow the operand
        remaining = flags.FLAGS(argv)
        if command.operand and len(remaining) > 1 and not flags.FLAGS[command.operand].present:
            flags.FLAGS[command.operand].parse(remaining.pop(1))
    except flags.UnrecognizedFlagError as error:
        known = [flag.name for section in own_flags(flags.FLAGS).values() for flag in section]
        if current := _renamed(error.flagname, known):
            fail(f"--{error.flagname} is now --{current}")
        meant = " or ".join(f"--{name}" for name in similar(error.flagname, known))
        fail(f"unknown flag --{error.flagname}{f' (did you mean {meant}?)' if meant else '; --help lists the flags'}")
    except (flags.Error, ValueError) as error:  # absl raises both
        fail(str(error))
    if len(remaining) > 1:
        fail(f"unexpected argument {remaining[1]!r}; options are written --name=value (see --help)")
    return remaining


def _renamed(name: str, known: Sequence[str]) -> str:
    """Returns the new name of a renamed option, with or without its section; "" if this program has no such flag."""
    for kind in TASKS.values():
        for old, (new, _) in kind.renamed.items():
            for before, today in ((old, new), (old.partition(".")[2], new.partition(".")[2])):
                for negation in ("", "no"):
                    if name == negation + before and today in known:
                        return negation + today
    return ""


def _print_page(page: str) -> None:
    try:
        print(page, end="", flush=True)
    except BrokenPipeError:
        drop_output(1)
    except OSError as error:  # closed, or a full disk
        drop_output(1)
        fail(f"{error.filename or 'output'}: {error.strerror}")


def _decoded(argument: str) -> str:
    """Returns an argument decoded as UTF-8, whatever the locale; if it is not UTF-8, exits naming the flag."""
    raw = os.fsencode(argument)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        shown = raw.decode(errors="backslashreplace")
        name, _, value = shown.partition("=") if shown.startswith("-") else ("argument", "", shown)
        fail(f"{name}: not UTF-8: {value or name}")


def import_tensorflow(onednn: str = "1") -> None:
    """Imports TensorFlow without its C++ log messages on standard error; all other output there is kept.

    While loading, TensorFlow logs whatever the value of TF_CPP_MIN_LOG_LEVEL (seen in 2.21), but our programs report an
    error as one line. Keras is imported without its optional packages: they take a third of the time, and no program
    uses them through Keras.

    Args:
      onednn: value for TF_ENABLE_ONEDNN_OPTS unless the user has set it; "" leaves the choice to TensorFlow.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    switch_on_onednn(onednn)
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)  # under absl, TensorFlow's Python side logs what it does
    _name_a_temporary_folder()
    with _held_back() as held:
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


def _name_a_temporary_folder() -> None:
    """Chooses a temporary folder if none of the usual ones is writable: TensorFlow looks for one on import.

    Uses shared memory if it is writable, else the current folder, so that only code that really needs one can fail.
    """
    try:
        tempfile.gettempdir()
    except OSError:
        tempfile.tempdir = _MEMORY if os.access(_MEMORY, os.W_OK) else os.getcwd()
        os.environ["TMPDIR"] = tempfile.tempdir  # for child processes


def _held_back() -> IO[bytes]:
    """Returns a file that collects output: in memory if the system supports it, as no folder may be writable."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    return tempfile.TemporaryFile()


@contextlib.contextmanager
def _absent(*modules: str) -> Iterator[None]:
    """Makes importing any of the modules raise ImportError inside the context, unless already imported."""
    hidden = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def input_lines() -> Iterator[str]:
    """Yields the lines of standard input; InputError names the first line that is not UTF-8."""
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        yield decode_line(raw.removesuffix(b"\n").removesuffix(b"\r"), "<standard input>", number)


def one_line(text: str) -> str:
    """Returns a translation as one line of output: with byte_fallback a model can produce a line break."""
    return text.replace("\n", " ")


def fail(message: str) -> NoReturn:
    """Prints `error: message` to standard error, as one printable line, and exits with code 2."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message.replace("\n", " "))
    shown = line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE]}..."
    print(f"error: {shown}", file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)


def run(command: Command | Callable[[], int | None]) -> None:
    """Runs a program under absl; see `exit_code`.

    Args:
      command: a command, or the main function of a script that has defined its flags and whose module docstring
        becomes the help page.
    """
    if not isinstance(command, Command):
        about, _, rest = (sys.modules[command.__module__].__doc__ or "").partition("\n")
        command = Command(about, lambda: None, command, rest)
    restart_in_utf8()
    prepare_streams(is_filter=command.is_filter)
    command.define_flags()
    app.run(lambda _: exit_code(command), flags_parser=lambda argv: parse(command, argv))


def exit_code(command: Command) -> int:
    """Checks that the outputs can be written, runs the main function and returns the exit code.

    Bad input and errors of the machine (a full disk, a closed stream, no memory) exit with 2 and one line, training
    that cannot continue with 1 and one line, Ctrl-C with 130. A filter whose output nobody reads any more exits with 0.
    """
    try:
        check_outputs()
        code = command.main() or 0
        sys.stdout.flush()
        return code
    except InputError as error:
        fail(str(error))
    except BrokenPipeError:  # `... | head` has read enough
        drop_output(1)
        return 0
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED
    except OSError as error:
        if any(words in str(error) for words in _NO_FOLDER):
            fail(str(error))
        if error.errno not in _REFUSALS:
            raise
        if error.filename is None:  # an error while writing to a stream names no file
            drop_output(1)
        fail(f"{error.filename or 'output'}: {error.strerror}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as error:
        if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":  # TensorFlow's
            raise
        what = str(error).partition("\n")[0] or "an array could not be allocated"
        fail(f"not enough memory ({what}); use smaller batches, a smaller model or less text at once")


def run_commands(commands: Mapping[str, Command]) -> None:
    """Runs the command named by the first argument; see `run`."""
    restart_in_utf8()
    prepare_streams(is_filter=False)  # until the command is known
    name = program_name()
    width = max(map(len, commands))
    listed = "\n".join(f"  {command:<{width}}  {entry.help}" for command, entry in commands.items())
    chosen = _decoded(sys.argv[1]) if len(sys.argv) > 1 else ""
    if chosen in (*_HELP, *_ALL_HELP, "help"):
        _print_page(f"usage: {name} COMMAND --flag=value ...    ({name} COMMAND --help lists its flags)\n\n{listed}\n")
        sys.exit(0)
    if chosen == _VERSION:
        _print_page(version_line())
        sys.exit(0)
    if chosen not in commands:
        what = f"unknown command {chosen!r}{nearest(chosen, commands)}" if chosen else "no command given"
        fail(f"{what}; use {name} with one of: {', '.join(commands)}")
    sys.argv = [f"{sys.argv[0]} {chosen}", *sys.argv[2:]]
    run(commands[chosen])
