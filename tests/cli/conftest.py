"""Programs are run as a user runs them: in a process of their own."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def allow_only_small_files() -> None:
    """Makes writing past 4 KiB fail, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Returns a function (command of seq2seq-data, flags...) -> what it printed and its exit code, in `tmp_path`."""

    def run(
        name: str, *arguments: object, full_disk: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "seq2seq_tf.cli.data", name, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "*", **environment},
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
            preexec_fn=allow_only_small_files if full_disk else None,
        )

    return run
