"""The process that trains piece models ends with the one that started it, and a full disk is one line."""

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

PATIENCE = 120.0  # seconds, for a machine that is busy


@pytest.fixture
def endless(tmp_path: Path) -> str:
    """A text that nobody writes: reading it waits."""
    os.mkfifo(tmp_path / "text")
    return str(tmp_path / "text")


@pytest.fixture
def handlers() -> Iterator[None]:
    """No signal is ignored, as SIGHUP is under nohup; the handlers stand again as before after the test."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def child_of(process: psutil.Process) -> psutil.Process:
    """Waits for the process that trains pieces."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for child in process.children():
            if "seq2seq_tf.text.train_pieces" in child.cmdline():
                return child
        time.sleep(0.01)
    raise AssertionError("it has not started")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked for that")
def test_it_ends_with_a_parent_that_is_killed(endless: str, tmp_path: Path) -> None:
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
def test_a_signal_before_training_ends_the_program_and_the_process_with_it(
    endless: str, tmp_path: Path, handlers: None, number: signal.Signals
) -> None:
    stop = _StopOnSignal()
    children: list[psutil.Process] = []

    def send() -> None:
        children.append(child_of(psutil.Process()))
        time.sleep(0.5)  # until it is waited for; a child that just begins ends with the program, not with an exception
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    with pytest.raises(SystemExit) as ended:
        train_piece_model([endless], str(tmp_path / "m"), TranslationDataConfig(), normalization="nfc")
    sender.join()
    assert ended.value.code == 128 + number
    assert not stop()
    assert not psutil.wait_procs(children, timeout=10.0)[1]


def test_a_signal_while_training_is_a_request_and_a_second_one_an_end(handlers: None) -> None:
    stop = _StopOnSignal()
    stop.training_begins()
    assert not stop()
    signal.raise_signal(signal.SIGHUP)
    assert stop()
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_is_ignored_stays_so(handlers: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    _StopOnSignal()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_full_disk_is_one_line_that_names_the_model(tmp_path: Path) -> None:
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
