"""Errors raised by a program become one line on standard error and an exit code."""

import subprocess
import sys

import pytest

from seq2seq_tf.cli import program
from tests import toy


def run(main: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program whose function `main` is defined by the given code."""
    script = (
        "from seq2seq_tf.cli import program\n"
        "from seq2seq_tf.errors import InputError, TrainingError\n"
        f"{main}\n"
        "program.run(main)\n"
    )
    return toy.run_python("-c", script, *arguments)


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        ("InputError('a.yaml:3: wrong')", program.EXIT_BAD_INPUT, "error: a.yaml:3: wrong"),
        ("TrainingError('update 3: loss nan')", program.EXIT_FAILED, "error: update 3: loss nan"),
        (
            "OSError(28, 'No space left on device', 'x/y')",
            program.EXIT_BAD_INPUT,
            "error: x/y: No space left on device",
        ),
        (
            "MemoryError('Unable to allocate 56 GiB')",
            program.EXIT_BAD_INPUT,
            "error: not enough memory (Unable to allocate 56 GiB); use smaller batches, a smaller model or "
            "less text at once",
        ),
        (
            "PermissionError(13, 'Permission denied', 'x/y')",
            program.EXIT_BAD_INPUT,
            "error: x/y: Permission denied",
        ),
        ("KeyboardInterrupt()", program.EXIT_INTERRUPTED, "interrupted"),
        ("BrokenPipeError()", 0, ""),
    ],
)
def test_an_expected_failure_is_one_line_and_a_code(raised: str, code: int, line: str) -> None:
    done = run(f"def main(): raise {raised}")
    assert (done.returncode, done.stderr.strip()) == (code, line)


def test_an_unexpected_failure_keeps_its_traceback() -> None:
    done = run("def main(): raise KeyError('a mistake of ours')")
    assert done.returncode not in (0, program.EXIT_BAD_INPUT, program.EXIT_INTERRUPTED)
    assert "Traceback" in done.stderr
    assert "a mistake of ours" in done.stderr


@pytest.mark.parametrize(("value", "code"), [("None", 0), ("0", 0), ("3", 3)])
def test_the_value_of_main_is_the_exit_code(value: str, code: int) -> None:
    assert run(f"def main(): return {value}").returncode == code


def test_an_argument_without_a_flag_is_refused() -> None:
    done = run("def main(): return 0", "runs/x")
    assert done.returncode == program.EXIT_BAD_INPUT
    assert done.stderr.startswith("error: unexpected argument 'runs/x'")


def test_a_module_is_absent_only_inside_the_context() -> None:
    with program._absent("mailbox", "subprocess"), pytest.raises(ImportError):
        import mailbox
    import mailbox

    assert hasattr(mailbox, "Mailbox")
    assert sys.modules["subprocess"] is subprocess


def test_the_optional_packages_of_keras_can_be_imported_afterwards() -> None:
    done = run(
        "def main():\n"
        "  program.import_tensorflow()\n"
        "  from keras.src.wrappers import fixes\n"
        "  import sklearn.base, matplotlib.pyplot\n"
        "  print(fixes.sklearn)\n"
    )
    assert (done.returncode, done.stdout.strip()) == (0, "None"), done.stderr
