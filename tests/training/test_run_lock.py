"""One program writes to a run folder at a time; a second one learns who the first is."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq2seq_tf.errors import InputError
from seq2seq_tf.training.run_dir import RunDir
from seq2seq_tf.training.run_lock import LockedError, RunLock
from tests import toy
from tests.trained import Call, assert_one_error_line, run_program

HOLD = """
import sys
from seq2seq_tf.training.run_lock import RunLock

with RunLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""


class Holder:
    """A process that holds the lock of a folder until it is told to end or killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=toy.environment(),
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "held\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()  # closes the pipes too

    def end(self) -> None:
        self.process.communicate("\n")


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    started = Holder(tmp_path)
    yield started
    started.kill()


def test_a_second_writer_learns_process_computer_and_time(holder: Holder, tmp_path: Path) -> None:
    with pytest.raises(LockedError) as caught, RunLock(str(tmp_path)):
        pass
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(tmp_path), f"process {holder.process.pid} on {socket.gethostname()} since 20"):
        assert part in message


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    for end in (Holder.kill, Holder.end):
        end(Holder(tmp_path))
        with RunLock(str(tmp_path)):
            assert f'"process": {os.getpid()}' in (tmp_path / "lock.json").read_text()
        assert not (tmp_path / "lock.json").exists()


def test_a_folder_copied_while_it_is_written_is_not_locked(holder: Holder, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(tmp_path, copied, ignore=shutil.ignore_patterns("copied"))
    assert (copied / "lock.json").exists()
    with RunLock(str(copied)):
        pass


def test_a_lock_is_reentrant(tmp_path: Path) -> None:
    lock = RunLock(str(tmp_path))
    with lock:
        with lock:
            pass
        with pytest.raises(LockedError, match=f"process {os.getpid()}"), RunLock(str(tmp_path)):
            pass
    with RunLock(str(tmp_path)):
        pass


def test_a_holder_without_a_name_still_holds_the_lock(holder: Holder, tmp_path: Path) -> None:
    for content in ("", "[]", '{"program": 1}'):
        (tmp_path / "lock.json").write_text(content)
        with pytest.raises(LockedError, match="another program"), RunLock(str(tmp_path)):
            pass


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "read_only"
    folder.mkdir(mode=0o500)
    with pytest.raises(InputError, match="read_only: cannot be locked"), RunLock(str(folder)):
        pass


def test_a_run_folder_is_not_created_again_beside_its_writer(holder: Holder, tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=2)
    with pytest.raises(LockedError):
        RunDir(str(tmp_path)).create(toy.tiny_config(corpus))
    assert not (tmp_path / "config.yaml").exists()


def test_a_second_training_of_a_folder_is_refused_in_one_line(holder: Holder, tmp_path: Path) -> None:
    corpus = toy.make_corpus(tmp_path / "corpus", seed=2)
    flags = [f"--{name}={value}" for name, value in corpus.options().items()]
    ended = run_program(Call("train", [f"--model_dir={tmp_path}", *flags]))
    assert_one_error_line(ended, str(tmp_path), f"process {holder.process.pid} on ")
    assert not (tmp_path / "config.yaml").exists()
