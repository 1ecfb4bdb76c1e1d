"""A child forked after loading gets an error with instructions instead of hanging."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from seq2seq_tf import forks
from seq2seq_tf.errors import InputError
from seq2seq_tf.tasks.translation.translator import Translator


def in_a_fork(work: Callable[[], object]) -> str:
    """Returns the message of the InputError that `work` raises in a forked child; "" if it raises none."""
    read, write = os.pipe()
    if not (child := os.fork()):
        message = b""
        try:
            work()
        except InputError as error:
            message = str(error).encode()
        finally:
            os.write(write, message)
            os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        return file.read().decode()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork:RuntimeWarning")
def test_a_forked_child_is_refused_and_the_parent_continues(translator: Translator) -> None:
    translator.translate("ba")
    for work in (
        lambda: translator.translate("ba"),
        lambda: translator.score(["ba"], ["ba"]),
        lambda: Translator.load("anywhere"),
    ):
        assert "spawn" in in_a_fork(work)
    assert translator.translate("ba").text


def test_the_first_process_to_compute_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "_computing", set())
    for _ in range(2):
        forks.check_not_forked()
    monkeypatch.setattr(forks, "_computing", {-1})
    with pytest.raises(InputError, match="load the run in the child"):
        forks.check_not_forked()
