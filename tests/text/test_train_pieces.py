"""The process that trains piece models ends with its parent, and a full disk gives a one-line error."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from seq2seq_tf.cli.training import _StopOnSignal
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.config import TranslationDataConfig
from seq2seq_tf.text.sentencepiece import train_piece_model
from tests import toy

PATIENCE = 120.0  # seconds, for a busy machine


@pytest.fixture
def endless(tmp_path: Path) -> str:
    """A named pipe without a writer: reading it blocks."""
    os.mkfifo(tmp_path / "text")
    return str(tmp_path / "text")


@pytest.fixture
def handlers() -> Iterator[None]:
    """Stops signals from being ignored, as SIGHUP is under nohup; restores the handlers after the test."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def child_of(process: psutil.Process) -> psutil.Process:
    """Returns the process that trains pieces, once it has started."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for child in process.children():
            if "seq2seq_tf.text.train_pieces" in child.cmdline():
                return child
        time.sleep(0.01)
    raise AssertionError("the process did not start")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux supports this")
def test_it_ends_when_its_parent_is_killed(endless: str, tmp_path: Path) -> None:
    names = ("piece_model", "vocab_size", "character_coverage", "byte_fallback", "lowercase")
    request = {
        "texts": [[[endless], "nfc", str(tmp_path / "m")]],
        **{n: getattr(TranslationDataConfig(), n) for n in names},
    }
    code = (
        "import os, subprocess, sys\n"
        f"request = {json.dumps(request)!r}\n"
        "command = [sys.executable, '-m', 'seq2seq_tf.text.train_pieces', request, str(os.getpid())]\n"
        "subprocess.run(command)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], env=toy.environment(), cwd=toy.ROOT)
    child = child_of(psutil.Process(parent.pid))
    time.sleep(0.5)
    assert child.is_running()
    parent.kill()
    parent.wait()
    gone, alive = psutil.wait_procs([child], timeout=PATIENCE)
    assert (gone, alive) == ([child], [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_training_ends_the_program_and_its_child(
    endless: str, tmp_path: Path, handlers: None, number: signal.Signals
) -> None:
    stop = _StopOnSignal()
    children: list[psutil.Process] = []

    def send() -> None:
        children.append(child_of(psutil.Process()))
        # Until the parent waits for it; a child that has only just started ends with the program, without an exception.
        time.sleep(0.5)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(SystemExit) as ended:
        train_piece_model([endless], str(tmp_path / "m"), TranslationDataConfig(), normalization="nfc")
    sender.join()
    assert ended.value.code == 128 + number
    assert not stop()
    assert not psutil.wait_procs(children, timeout=10.0)[1]


def test_a_signal_during_training_requests_a_stop_and_a_second_one_ends_the_program(handlers: None) -> None:
    stop = _StopOnSignal()
    stop.training_begins()
    assert not stop()
    signal.raise_signal(signal.SIGHUP)
    assert stop()
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)


def test_an_ignored_signal_stays_ignored(handlers: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    _StopOnSignal()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_full_disk_gives_one_line_that_names_the_model(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("ba be bi bo bu\n" * 20, encoding="utf-8")
    path = tmp_path / "pieces.model"
    config = TranslationDataConfig(vocab_size=20, byte_fallback=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(InputError) as caught:
            train_piece_model([str(tmp_path / "text")], str(path), config, normalization="nfc")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(caught.value) == f"{path}: cannot be written: File too large"
    assert not list(tmp_path.glob("pieces*"))
