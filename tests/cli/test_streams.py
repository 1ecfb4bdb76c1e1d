"""Programs with streams that are closed, full, unread, or of another locale; and without a writable folder."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import toy

WORK = """
    for n in range(20_000):
        print("line", n)
    print("told", file=sys.stderr)
    with open("done.txt", "w") as file:
        file.write("done")
"""
ECHO = """
    for line in program.input_lines():
        print(line)
"""


def start(
    main: str, folder: Path, *, is_filter: bool, shell: str = "{}", variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a shell command in which {} is replaced by a program with this main function."""
    script = (
        f"import os, sys\nfrom seq2seq_tf.cli import program\ndef main():\n{main}\n"
        f"program.run(program.Command('works', lambda: None, main, is_filter={is_filter}))\n"
    )
    command = shell.replace("{}", f"{shlex.quote(sys.executable)} -c {shlex.quote(script)}")
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        check=False,
        timeout=120,
        env={**toy.environment(), **(variables or {})},
        cwd=folder,
        encoding="utf-8",
    )


@pytest.mark.parametrize("shell", ["{} | true", "{} 2>&1 | true", "{} >&-", "{} >&- 2>&-", "{} <&- >&- 2>&-"])
def test_a_program_finishes_its_work_even_if_nobody_reads_its_output(tmp_path: Path, shell: str) -> None:
    done = start(WORK, tmp_path, is_filter=False, shell=shell)
    assert done.returncode == 0, done
    assert done.stderr in ("", "told\n")
    assert (tmp_path / "done.txt").read_text() == "done"  # and nothing of what was printed


def test_a_filter_ends_silently_when_nobody_reads_its_output_any_more(tmp_path: Path) -> None:
    done = start(WORK, tmp_path, is_filter=True, shell="{} | head -n 1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "line 0\n", "")
    assert not (tmp_path / "done.txt").exists()


def test_a_filter_without_output_reports_it(tmp_path: Path) -> None:
    done = start(WORK, tmp_path, is_filter=True, shell="{} >&-")
    assert (done.returncode, done.stderr) == (2, "error: standard output: is closed\n")


@pytest.mark.parametrize(("stream", "why"), [(">&-", "standard output: is closed"), (">/dev/full", "output: No space")])
def test_a_page_of_help_that_cannot_be_printed_is_one_line(tmp_path: Path, stream: str, why: str) -> None:
    done = start(WORK, tmp_path, is_filter=True, shell=f"{{}} --help {stream}")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
    assert done.stderr.startswith(f"error: {why}")


def test_a_filter_without_input_reports_it(tmp_path: Path) -> None:
    done = start(ECHO, tmp_path, is_filter=True, shell="{} <&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "error: standard input: is closed\n")


def test_a_mistake_that_cannot_be_printed_keeps_its_exit_code(tmp_path: Path) -> None:
    done = start("    print('x', file=sys.stderr); return 3", tmp_path, is_filter=False, shell="{} 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@pytest.mark.parametrize("is_filter", [True, False])
def test_output_to_a_full_disk_is_one_line(tmp_path: Path, is_filter: bool) -> None:
    done = start(WORK, tmp_path, is_filter=is_filter, shell="{} > /dev/full")
    assert (done.returncode, done.stderr) == (2, "error: output: No space left on device\n")


@pytest.mark.parametrize("is_filter", [True, False])
@pytest.mark.parametrize(
    "variables",
    [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}],
)
def test_text_is_utf8_whatever_the_locale(tmp_path: Path, variables: dict[str, str], is_filter: bool) -> None:
    text = "größer → 你好 \U0001f600"
    main = f"{ECHO}    open('gr\\xf6\\xdfe', 'w').close(); print('half \\ud83d')"
    done = start(main, tmp_path, is_filter=is_filter, shell=f"{{}} '{text}'", variables=variables)
    assert done.returncode == 2  # a program accepts only flags
    assert done.stderr.startswith(f"error: unexpected argument '{text}'")
    done = start(main, tmp_path, is_filter=is_filter, shell=f"echo '{text}' | {{}}", variables=variables)
    assert (done.returncode, done.stdout) == (0, f"{text}\nhalf \\ud83d\n")
    assert os.listdir(os.fsencode(tmp_path)) == ["größe".encode()]


def test_tensorflow_can_be_imported_where_no_file_can_be_created(tmp_path: Path) -> None:
    main = """
    import tempfile
    def refuse(*_, **__):
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")
    tempfile._get_default_tempdir = tempfile.mkstemp = tempfile.mkdtemp = tempfile.TemporaryFile = refuse
    program.import_tensorflow()
    import seq2seq_tf.tasks.translation.translator
    print("imported")
"""
    done = start(main, tmp_path, is_filter=False, variables={"HOME": "/nonexistent", "MPLCONFIGDIR": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    assert done.stdout == "imported\n"
